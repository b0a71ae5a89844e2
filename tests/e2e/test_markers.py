"""Conflict markers never reach the target, whether or not a check would see them."""

from __future__ import annotations


def test_markers_committed_by_an_earlier_session_are_told_until_they_are_gone(yard):
    later = [
        "git add -A; git commit -qm joined; echo good > two.txt",
        "echo good > three.txt",
        "echo both > same.md",
    ]
    plan = yard.plan(
        {"a": ["echo a > same.md", *later], "b": ["echo b > same.md", *later]},
        budget={"attempts": 3},
    )
    yard.clerk("run", str(plan), "--merge", "auto")
    (sent_back,) = (t["id"] for t in yard.status().values() if t["attempts_used"] > 1)
    for session in (3, 4):  # 2 committed them itself, 3 left what it found
        assert "left conflict markers in same.md" in yard.prompt(sent_back, session)
    for commit in yard.first_parents()[1:]:
        assert "<<<<<<<" not in yard.git("show", f"{commit}:same.md")
    assert yard.git("show", "main:same.md") == "both"

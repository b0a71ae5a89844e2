"""What will conflict is told before it does, with an engine and without one."""

from __future__ import annotations

import json

from waiting import until_blocking


def test_what_will_conflict_is_a_matrix_and_a_word_at_its_gate(yard):
    plan = yard.plan(
        {
            "a": "echo good a > same.txt; echo good > also.txt",
            "b": "echo good b > same.txt",
            "c": "echo good > also.txt",
            "d": "echo good > alone.txt",
        }
    )
    yard.clerk("run", str(plan))
    lines = yard.clerk("status", "--conflicts").stdout.splitlines()
    assert lines[0].endswith("4 branches in flight, 1 pair conflicts of 2 that share a file")
    assert "1 a    ○" in lines
    assert "2 b    ○     ✗" in lines
    assert "3 c    ○     ○ ·" in lines
    assert lines[-3:] == [
        "no file in common with any other: d",
        "",
        "✗ a with b: same.txt",
    ]
    told = json.loads(yard.clerk("status", "--conflicts", "--json").stdout)
    (forecast,) = told["forecasts"]
    assert [branch["task"] for branch in forecast["branches"]] == ["a", "b", "c", "d"]
    assert forecast["pairs"] == [
        {"one": 0, "other": 1, "paths": ["same.txt"]},
        {"one": 0, "other": 2, "paths": []},
    ]
    yard.clerk("start")
    with yard.api() as api:
        assert api.get("/v1/conflicts").json() == told
    until_blocking(lambda: "will conflict with b in same.txt" in clean_gate(yard, "a")["reason"])
    assert clean_gate(yard, "a")["open"]
    assert "will conflict" not in clean_gate(yard, "c")["reason"]
    yard.clerk("merge", "b")
    yard.until("b", "merged")
    assert "✗ a with main as it is: same.txt" in yard.clerk("status", "--conflicts").stdout


def test_a_forecast_writes_nothing_into_the_repository(yard):
    plan = yard.plan({"a": "echo good a > same.txt", "b": "echo good b > same.txt"})
    yard.clerk("run", str(plan))
    before = sorted(path for path in (yard.path / ".git/objects").rglob("*"))
    assert "✗ a with b" in yard.clerk("status", "--conflicts").stdout
    assert sorted(path for path in (yard.path / ".git/objects").rglob("*")) == before


def test_without_a_branch_in_flight_there_is_nothing_to_tell(yard):
    assert yard.clerk("status", "--conflicts").stdout == "no branch is in flight\n"
    assert yard.clerk("status", "x", "--conflicts", code=2).stderr


def clean_gate(yard, task):
    (gate,) = (g for g in yard.status()[task]["gates"] if g["name"] == "merges cleanly")
    return gate


def test_a_conflict_that_was_resolved_once_is_not_resolved_again(yard):
    """The same two tasks on another branch: whoever comes second there finds it done."""
    resolve = "if grep -q '<<<' same.txt; then echo both good > same.txt; fi"
    tasks = {name: [f"echo good {name} > same.txt", resolve] for name in "ab"}
    yard.git("branch", "side", "main")
    yard.clerk("run", str(yard.plan(tasks)), "--merge", "auto")
    assert yard.git("show", "main:same.txt") == "both good"
    yard.clerk("run", str(yard.plan(tasks, name="q", target="side")), "--merge", "auto")
    assert yard.git("show", "side:same.txt") == "both good"
    told = [path.read_text() for path in (yard.state / "logs/q").glob("?/2/prompt.md")]
    assert len(told) == 1
    assert "The same conflict in same.txt was resolved before" in told[0]
    first = [path.read_text() for path in (yard.state / "logs/p").glob("?/2/prompt.md")]
    assert "was resolved before" not in "".join(first)

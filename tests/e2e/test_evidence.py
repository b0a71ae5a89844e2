"""Strategies on a real target, and what git alone tells of them afterwards."""

from __future__ import annotations

import json

import pytest

STRATEGIES = {"p": "merge", "q": "squash", "r": "rebase"}
AGENT = "GIT_AUTHOR_NAME=Bot git commit -q"


def evidence(yard, task: str) -> dict:
    return json.loads(yard.clerk("evidence", task, "--json").stdout)


def land(yard, plan: str) -> None:
    """Two commits of an agent's, landed by the strategy of the plan."""
    work = f"echo good > {plan}.txt; git add -A; {AGENT} -m 'one of {plan}'; "
    work += f"echo good two > {plan}.txt; {AGENT} -am 'two of {plan}'"
    file = yard.plan(
        {"a": {"do": work, "title": f"Work {plan}"}}, name=plan, strategy=STRATEGIES[plan]
    )
    yard.clerk("run", str(file), "--merge", "auto")


@pytest.fixture
def landed(yard):
    for plan in STRATEGIES:
        land(yard, plan)
    return yard


def test_each_strategy_lands_proven_work_and_git_alone_tells_so(landed):
    yard = landed
    assert yard.git("log", "--first-parent", "--format=%s|%an", "main").splitlines() == [
        "two of r|Bot",
        "one of r|Bot",
        "Work q|Bot",
        "Work p|Clerk of Works",
        "first|Ada",
    ]
    for plan, strategy in STRATEGIES.items():
        assert yard.git("show", f"main:{plan}.txt") == "good two"
        told = evidence(yard, f"{plan}/a")
        assert told["strategy"] == strategy
        assert told["head"] == yard.git("rev-parse", f"clerk/{plan}/a")
        assert told["tree"] == yard.git("rev-parse", f"{told['commit']}^{{tree}}")
        assert [(c["verdict"], c["tree"]) for c in told["checks"]] == [("passed", told["tree"])]
        assert [(one["agent"], one["sandbox"]) for one in told["attempts"]] == [("sh", "none")]
    assert "name one with --plan" in yard.clerk("evidence", "a", code=2).stderr
    assert "by squash" in yard.clerk("evidence", "a", "--plan", "q").stdout
    assert yard.audit() == ["proven", "covered", "proven", "proven"]
    shown = yard.clerk("audit", "--strict", code=1).stdout
    assert "4 commits of main: 3 proven, 1 verified only with a later one" in shown

    person = yard.git("commit-tree", "main^{tree}", "-p", "main", "-m", "by hand")
    words = yard.git("log", "-1", "--format=%B", "main~2").replace("Work q", "forged")
    forged = yard.git("commit-tree", "main^{tree}", "-p", person, "-m", words)
    yard.git("update-ref", "refs/heads/main", forged)
    told = json.loads(yard.clerk("audit", "--json", code=1).stdout)
    assert [one["standing"] for one in told["commits"]][:3] == ["refuted", "person", "proven"]
    assert (told["sound"], told["range"]) == (False, "main")
    assert yard.audit("main~4..main~1") == ["person", "proven", "covered"]
    yard.git("notes", "--ref=clerk", "copy", "-f", "main~5", "main~2")
    assert yard.audit()[2] == "refuted"
    yard.git("update-ref", "-d", "refs/notes/clerk")
    assert set(yard.audit("main^")) == {"missing", "person"}
    assert "no evidence is noted on it" in yard.clerk("evidence", "q/a", code=2).stderr


@pytest.mark.slow
def test_what_landed_without_being_a_parent_does_not_land_twice(landed):
    """The database is lost, and with it all that knew of the squashed and the replayed one.

    Nor does what a person had taken back.
    """
    yard = landed
    yard.clerk("revert", "q/a")
    yard.clerk("stop")
    before = yard.git("for-each-ref", "refs/heads/main", "refs/notes")
    for file in yard.state.glob("clerk.db*"):
        file.unlink()
    for plan in STRATEGIES:
        done = yard.clerk("run", str(yard.home / f"{plan}.yaml"), "--merge", "auto")
        assert ("1 reverted" if plan == "q" else "1 merged") in done.stdout
    assert yard.git("for-each-ref", "refs/heads/main", "refs/notes") == before
    told = json.loads(yard.clerk("status", "q/a", "--json").stdout)
    assert told["task"]["reverted_commit"] == yard.git("rev-parse", "main")
    assert yard.audit() == ["proven", "proven", "covered", "proven", "proven"]


@pytest.mark.parametrize("point", ["landing.recorded:1", "notes.drafted:1"])
def test_evidence_that_a_crash_left_out_is_written_by_the_next_start(yard, point):
    file = yard.plan({"a": "echo good > a.txt"}, strategy="squash")
    yard.clerk("run", str(file), "--merge", "auto", code=-9, CLERK_CRASH=f"kill {point}")
    tip = yard.git("rev-parse", "main")
    assert yard.audit("main") == ["missing", "person"]
    yard.clerk("run", str(file), "--merge", "auto")
    assert yard.git("rev-parse", "main") == tip
    assert yard.audit() == ["proven"]
    assert not yard.git("for-each-ref", "refs/clerk/notes")

"""Landing goes on past a checkout of the target where the plan says so; what to run there is told."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from waiting import until_blocking

LANDS = {"merge": "auto", "queue": {"checked_out": "land"}}


def behind(yard):
    """What ``clerk status`` tells of checkouts that stayed behind."""
    (plan,) = json.loads(yard.clerk("status", "--json").stdout)["plans"]
    return plan["behind"]


def obey(line):
    return subprocess.run(["sh", "-c", line], cwd="/", check=False, capture_output=True).returncode


def warnings(yard, task):
    told = json.loads(yard.clerk("status", task, "--json").stdout)["warnings"]
    return [warning["text"] for warning in told]


def test_what_is_checked_out_without_leave_stays_behind_and_the_mend_is_told_everywhere(yard):
    yard.git("checkout", "-q", "main")
    yard.write("mine.txt", "good\n")
    plan = yard.plan({"one": "echo good > one.txt"}, **LANDS)
    done = yard.clerk("run", str(plan))
    assert "landing will leave it behind" in done.stderr
    assert yard.git("show", "main:one.txt") == "good"
    assert not (yard.path / "one.txt").exists(), "nothing of the person's is touched"
    [told] = behind(yard)
    assert told["path"] == str(yard.path)
    for heard in (done.stdout, done.stderr, yard.clerk("status").stdout):
        assert told["command"] in heard
    assert yard.status()["one"]["need"] == "look"
    assert obey(told["command"]) == 0
    assert yard.git("status", "--porcelain") == "?? mine.txt"
    assert behind(yard) == []
    assert yard.status()["one"]["need"] is None


def test_with_leave_only_what_cannot_follow_stays_behind_until_it_can(yard, tmp_path):
    yard.git("checkout", "-q", "main")
    other = tmp_path / "other"
    yard.git("worktree", "add", "-q", "-f", str(other), "main")
    (other / "first.txt").write_text("good, and mine\n")
    plan = yard.plan({"one": "echo good > one.txt; echo good! > first.txt"}, **LANDS)
    yard.clerk("start", str(plan), "--update-checkout")
    yard.until("one", "merged")
    assert (yard.path / "one.txt").exists(), "the clean one follows"
    [told] = behind(yard)
    assert told["path"] == str(other)
    assert obey(told["command"]) != 0
    assert (other / "first.txt").read_text() == "good, and mine\n"
    (other / "first.txt").write_text("good\n")
    until_blocking(lambda: behind(yard) == [])
    assert (other / "one.txt").exists(), "clean again, it was brought up by itself"


@pytest.mark.slow
def test_a_commit_in_a_checkout_that_stayed_behind_is_told_loudly(yard):
    yard.git("checkout", "-q", "main")
    plan = yard.plan(
        {
            "one": "echo good > one.txt",
            "two": {"do": "echo good > two.txt", "approve": True},
        },
        **LANDS,
    )
    yard.clerk("start", str(plan))
    yard.until("one", "merged")
    yard.until("two", "verified")
    landed = yard.git("rev-parse", "main")
    yard.write("mine.txt", "good\n")
    yard.git("add", "mine.txt")
    yard.git("commit", "-qm", "my work")
    until_blocking(lambda: any("takes back what had landed" in w for w in warnings(yard, "one")))
    [told] = behind(yard)
    assert "one.txt" in told["reason"]
    assert obey(told["command"]) == 0
    yard.git("commit", "-qm", "bring it back")
    assert yard.git("diff", "--name-only", landed, "main") == "mine.txt"
    until_blocking(lambda: behind(yard) == [])
    yard.clerk("approve", "two")
    yard.until("two", "merged")
    [told] = behind(yard)
    assert obey(told["command"]) == 0
    assert yard.git("status", "--porcelain") == ""
    assert all((yard.path / f"{name}.txt").exists() for name in ("one", "two", "mine"))


def test_where_one_plan_says_wait_nothing_lands_past_a_checkout(yard):
    yard.git("checkout", "-q", "main")
    tasks = {"one": "echo good > one.txt"}
    held = yard.clerk("run", str(yard.plan(tasks, merge="auto")), code=3)
    assert "main is checked out in" in held.stdout
    assert behind(yard) == []
    assert yard.git("ls-tree", "--name-only", "main").split() == ["check.sh", "first.txt"]


THE_MOVE_FAILS = """
import sys
from orchestrator.cli import obey
from orchestrator.errors import GitError
from orchestrator.git.landing import Landing

async def fail(*_, **__):
    raise GitError("the disk is full")

Landing.land = fail
sys.exit(obey(sys.argv[1:]))
"""


def test_a_move_that_failed_leaves_nothing_of_what_was_expected(yard):
    yard.git("checkout", "-q", "main")
    plan = yard.plan({"one": "echo good > one.txt"}, **LANDS)
    order = [sys.executable, "-c", THE_MOVE_FAILS, "run", str(plan)]
    done = subprocess.run(order, cwd=yard.path, env=yard.env(), capture_output=True, check=False)
    assert done.returncode == 3, done.stderr
    assert yard.git("for-each-ref", "refs/clerk/behind") == ""
    assert behind(yard) == []

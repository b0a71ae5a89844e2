"""A confined session that is stopped at work leaves its commits on its branch, not in its view."""

from __future__ import annotations

import signal

import pytest
from waiting import LIMIT_SECONDS, until_blocking

COMMITS = "echo good > a.txt && git add a.txt && git commit -qm mine && echo committed; sleep 600"


@pytest.fixture
def at_work(yard):
    """An engine with one confined session that has committed and goes on."""
    plan = yard.plan({"a": COMMITS}, worktree={"needs": {"paths": ["~/scripts"]}})
    with yard.start("run", str(plan), "--merge", "auto", "--sandbox", "bubblewrap") as engine:
        transcript = yard.state / "logs/p/a/1/transcript.log"
        until_blocking(lambda: transcript.exists() and "says committed" in transcript.read_text())
        yield engine
        engine.send_signal(signal.SIGINT)
        engine.communicate(timeout=LIMIT_SECONDS)


def test_cancelled(yard, at_work):
    yard.clerk("cancel", "a")
    assert yard.git("log", "-1", "--format=%s", "clerk/p/a") == "mine"
    at_work.communicate(
        timeout=LIMIT_SECONDS
    )  # nothing is left to do, and an engine that goes answers nobody
    assert yard.status()["a"]["state"] == "cancelled"


def test_interrupted(yard, at_work):
    at_work.send_signal(signal.SIGINT)
    at_work.communicate(timeout=LIMIT_SECONDS)
    assert yard.git("log", "-1", "--format=%s", "clerk/p/a") == "mine"


def test_killed_and_begun_again_before_the_next_session_gets_a_new_view(yard, at_work):
    at_work.kill()
    at_work.communicate(timeout=LIMIT_SECONDS)
    assert yard.git("log", "-1", "--format=%s", "clerk/p/a") == "first"
    (yard.home / "scripts/a.1.sh").write_text("git log --format=%s | head -1\n")
    done = yard.clerk(
        "run", str(yard.home / "p.yaml"), "--merge", "auto", "--sandbox", "bubblewrap"
    )
    assert "1 merged" in done.stdout
    assert "mine" in yard.git("log", "--format=%s", "main").splitlines()


@pytest.mark.parametrize("branch", ["stands", pytest.param("is gone", marks=pytest.mark.slow)])
def test_what_failed_to_come_home_once_is_there_for_the_next_session(yard, branch):
    """Its view would be replaced by the next one."""
    once = "echo good > a.txt && git add a.txt && git commit -qm mine"
    plan = yard.plan({"a": once}, worktree={"needs": {"paths": ["~/scripts"]}})
    run = ["run", str(plan), "--merge", "auto", "--sandbox", "bubblewrap"]
    yard.clerk(*run, code=3, CLERK_CRASH="git import.told:1")
    assert yard.git("log", "-1", "--format=%s", "clerk/p/a") == "first"
    if branch == "is gone":
        yard.git("update-ref", "-d", "refs/heads/clerk/p/a")
    (yard.home / "scripts/a.1.sh").write_text("echo good > again.txt\n")
    yard.clerk("retry", "a")
    yard.clerk(*run)
    assert "mine" in yard.git("log", "--format=%s", "main").splitlines()
    assert yard.git("show", "main:again.txt") == "good"

"""Killed at any moment and started again, the engine finishes: nothing twice, nothing lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from pathlib import Path

import pytest
from waiting import until_blocking

TASKS = 5


def a_plan(yard) -> Path:
    """Tasks with a dependency, a mended first attempt and a conflict; sessions take a moment."""
    return yard.plan(
        {
            "a": "sleep 0.2; echo good > a.txt",
            "b": ["echo bad > b.txt", "echo good > b.txt"],
            "c": {
                # what it left before it was killed may be committed already
                "do": "sleep 0.1; echo good > c.txt; git add -A; git commit -qm c --allow-empty",
                "after": ["a"],
            },
            "d": ["echo good d > same.txt", "echo good both > same.txt"],
            "e": ["echo good e > same.txt", "echo good both > same.txt"],
        },
        budget={"attempts": 4},
    )


def cookies(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if marker.encode() in environ:
                found.append(int(entry.name))
    return found


def assert_whole(yard) -> None:
    """What must hold after every restart that ran to its end."""
    states = yard.status()
    assert {name: t["state"] for name, t in states.items()} == dict.fromkeys("abcde", "merged")
    commits = yard.first_parents()
    assert len(commits) == 1 + TASKS, "every task landed once"
    landed = [
        yard.git("log", "-1", "--format=%(trailers:key=Clerk-Task,valueonly)", c)
        for c in commits[1:]
    ]
    assert sorted(landed) == list("abcde")
    assert all(yard.passes(commit) for commit in commits)
    yard.git("fsck", "--strict", "--no-dangling")
    assert not list((yard.path / ".git").rglob("*.lock"))
    left = [p.name for p in (yard.path.parent / "a repo.worktrees").glob("p/*")]
    assert left == [], "worktrees of landed tasks are gone"


def run_and_kill_after(yard, plan: Path, events: int) -> bool:
    """Start the run and kill -9 its engine at its n-th event; whether it came to that."""
    with subprocess.Popen(
        yard.command("run", str(plan), "--merge", "auto", "--json"),
        cwd=yard.path,
        env=yard.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        for number, _ in enumerate(running.stdout, start=1):
            if number == events:
                running.kill()
                return True
    return False


def wait_until_gone(marker: str) -> None:
    until_blocking(lambda: not cookies(marker))


@pytest.mark.parametrize("seed", [0])
def test_killed_at_random_moments_it_finishes_all_the_same(yard, seed):
    kill_and_finish(yard, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, *range(100, 120)])
def test_killed_at_many_more_random_moments(yard, seed):
    kill_and_finish(yard, seed)


def kill_and_finish(yard, seed: int) -> None:
    chance = random.Random(seed)
    plan = a_plan(yard)
    kills = 0
    for _ in range(3):
        kills += run_and_kill_after(yard, plan, chance.randint(1, 25))
        wait_until_gone(str(yard.home))
        for ref in yard.git("for-each-ref", "--format=%(refname)", "refs/clerk/keep").split():
            assert yard.git("cat-file", "-t", ref) == "commit"
    done = yard.clerk("run", str(plan), "--merge", "auto")
    assert "5 merged" in done.stdout
    assert kills, "no run had so many events"
    assert_whole(yard)
    before = yard.git("for-each-ref")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.git("for-each-ref") == before, "running again changes nothing"


def test_an_interrupted_run_says_so_and_goes_on_later(yard):
    plan = yard.plan({"a": "sleep 30; echo good > a.txt"})
    running = yard.start("run", str(plan), "--merge", "auto", "--json")
    with running:
        _interrupt_its_session(running)
    assert running.returncode == 130
    wait_until_gone(str(yard.home))
    assert yard.status()["a"]["state"] == "running"
    (yard.home / "scripts/a.1.sh").write_text("echo good > a.txt\n")
    yard.clerk("run", str(plan), "--merge", "auto")
    assert yard.status()["a"]["attempts_used"] == 1


def _interrupt_its_session(running: subprocess.Popen) -> None:
    for line in running.stdout:
        if not line.startswith("{"):
            continue  # talk
        event = json.loads(line)
        if event["kind"] == "task_changed" and event["data"]["to"] == "running":
            break
    running.send_signal(signal.SIGINT)
    running.stdout.read()

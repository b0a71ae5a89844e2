"""Killed at moments that nobody named: the engine at any time, and git under its hands."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from crash.scenes import BUILDING
from waiting import is_gone


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_an_engine_killed_at_any_time_finishes(seed, stages):
    chance, stage = random.Random(seed), stages(BUILDING)
    for _ in range(3):
        pid = stage.start(stage.line)
        time.sleep(chance.uniform(0.1, 2.0))  # the moment is the matter of the test
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        stage.end()
    stage.finish()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_git_killed_under_the_engine_costs_tries_only(seed, stages):
    chance, stage = random.Random(seed), stages(BUILDING)
    pid, killed = stage.start(stage.line), 0
    while killed < 4 and not is_gone(pid):
        time.sleep(chance.uniform(0.0, 0.3))
        killed += _kill_one_git(pid, chance)
    assert "a bug" not in stage.end().said
    for _ in range(6):
        mend_as_told(stage)
        stage.go_on(1)
    stage.finish()


def mend_as_told(stage) -> None:
    """A git that was killed may leave a lock, or files half changed, which are a person's to mend."""
    if ".lock" in stage.seen[-1].said or "did not follow" in stage.seen[-1].said:
        for lock in stage.yard.state.parent.rglob("*.lock"):
            lock.unlink()
        stage.yard.git("reset", "-q", "--hard")


def _kill_one_git(engine: int, chance: random.Random) -> bool:
    found = [pid for pid in _children(engine) if _name(pid) == "git"]
    if not found:
        return False
    with suppress(ProcessLookupError):
        os.kill(chance.choice(found), signal.SIGKILL)
    return True


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""

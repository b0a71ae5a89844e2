"""Clocks that jump, and a machine that sleeps, while an engine works: no decision changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from waiting import LIMIT_SECONDS, until_blocking

CLOCKED = """
import os, sys, time
wall, passed = time.time, time.clock_gettime
ahead = lambda name: float(open(os.environ["CLOCKS"] + "/" + name).read() or 0)
time.time = lambda: wall() + ahead("wall")
time.clock_gettime = lambda kind: passed(kind) + ahead("slept") * (kind == time.CLOCK_BOOTTIME)
from orchestrator.cli import main
main()
"""
"""The command line under a wall clock that can be set, on a machine that can be put to sleep.

Of the kernel's clocks only the one since boot counts a sleep; that of time-outs does not.
"""

HOUR = 3600
LIMITED = """
if mkdir "$GATES/limited"; then
    echo '{"clerk": {"rate_limited_until": '$(( $(date +%s) + $(cat "$GATES/../clocks/wall") + 7200 ))'}}'
    exit 1
fi
echo good > limited.txt
"""
"""The service is asked twice: the first time it tells when to come again."""


class Clocks:
    """The clocks of one machine, told in seconds by which they are ahead of the real ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.set(wall=0, slept=0)

    def set(self, **ahead: int) -> None:
        for name, seconds in ahead.items():
            fresh = self._folder / f"{name}.new"
            fresh.write_text(str(seconds))
            fresh.rename(self._folder / name)

    def start(self, yard, *args: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", CLOCKED, *args],
            cwd=yard.path,
            env=yard.env(CLOCKS=str(self._folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    return Clocks(tmp_path / "clocks")


def sessions(yard, task: str) -> int:
    """How many sessions of a task there were."""
    return len(list((yard.state / "logs/p" / task).glob("*/prompt.md")))


@pytest.mark.slow
def test_neither_a_wall_clock_that_is_set_nor_a_sleep_ends_or_doubles_anything(yard, clocks):
    """One waits for a rate limit of two hours, the others work and land under each clock."""
    plan = yard.plan(
        {
            "limited": LIMITED,
            "ahead": f"{yard.waits('ahead')}; echo good > ahead.txt",
            "behind": {"do": f"{yard.waits('behind')}; echo good > b.txt", "after": ["ahead"]},
            "asleep": {"do": f"{yard.waits('asleep')}; echo good > c.txt", "after": ["behind"]},
        },
        budget={"wall": "1h", "idle": "1h"},
    )
    running = clocks.start(yard, "run", str(plan), "--merge", "auto")
    yard.begun("ahead")
    yard.until("limited", "retry_queued")
    clocks.set(wall=24 * HOUR)
    yard.gate("ahead").touch()
    yard.begun("behind")
    clocks.set(wall=-HOUR)
    yard.gate("behind").touch()
    yard.begun("asleep")
    yard.until("limited", "retry_queued")
    assert sessions(yard, "limited") == 1, "nobody asked the service before the time it told"
    clocks.set(wall=2 * HOUR, slept=3 * HOUR)
    yard.until("limited", "merged")
    yard.gate("asleep").touch()
    told, _ = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 0, told
    assert {task["state"] for task in yard.status().values()} == {"merged"}
    assert sessions(yard, "limited") == 2
    assert {sessions(yard, name) for name in ("ahead", "behind", "asleep")} == {1}


def test_an_engine_that_starts_under_an_earlier_clock_waits_no_longer_for_it(yard, clocks):
    """Also another boot: the number of the former engine's process is somebody else's by now."""
    plan = yard.plan({"a": LIMITED})
    clocks.set(wall=24 * HOUR)
    running = clocks.start(yard, "run", str(plan), "--merge", "auto")
    until_blocking(lambda: yard.holder is not None and bool(yard.holder.socket))
    yard.until("a", "retry_queued")
    running.kill()
    running.communicate(timeout=LIMIT_SECONDS)
    clocks.set(wall=0)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        told = f'{{"pid": {stranger.pid}, "boot_id": "another"}}'
        (yard.state / "lock").write_text(told)
        running = clocks.start(yard, "run", str(plan), "--merge", "auto")
        until_blocking(lambda: yard.holder is not None and bool(yard.holder.socket))
        yard.until("a", "retry_queued")
        clocks.set(slept=3 * HOUR)
        shown, _ = running.communicate(timeout=LIMIT_SECONDS)
        assert stranger.poll() is None, "it was let alone"
        stranger.kill()
    assert running.returncode == 0, shown
    assert sessions(yard, "a") == 2

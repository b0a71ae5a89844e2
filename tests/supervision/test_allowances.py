"""A job that takes too much of the machine is ended at once, named, and nobody else is."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.allowance import Allowance, show_bytes
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.supervision import disk_watch
from orchestrator.supervision.disk_watch import DiskWatch
from orchestrator.supervision.job import Ending, Job
from orchestrator.supervision.memory_watch import (
    LONGEST_PAUSE_SECONDS,
    SHORTEST_PAUSE_SECONDS,
    next_pause,
)
from orchestrator.supervision.process import supervise

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("adopting"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]

MEBIBYTE = 1 << 20
EATER = """
import sys, time
held = []
while len(held) < 600:
    held.append(b"x" * (1 << 20))
    time.sleep(0.001)
time.sleep(600)
"""
SHARER = """
import os, time
held = b"x" * (60 << 20)
children = []
for _ in range(6):
    if not (pid := os.fork()):
        time.sleep(600)
    children.append(pid)
time.sleep(1)
for pid in children:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
"""


def python(code: str, folder: Path, env: dict[str, str], **more: int) -> Job:
    job = Job(("python3", "-c", code), folder, env, "test", wall_seconds=60.0, grace_seconds=60.0)
    return replace(job, allowance=Allowance(**more))


@pytest.mark.parametrize("enclosed", [False, True], ids=["bare", "sandboxed"])
async def test_an_eater_of_memory_is_killed_and_named_and_others_live(
    request: pytest.FixtureRequest, tmp_path: Path, env: dict[str, str], *, enclosed: bool
) -> None:
    job = python(EATER, Path("/tmp"), env, memory_bytes=150 * MEBIBYTE)
    if enclosed:
        job = request.getfixturevalue("bubblewrap").wrap(job, Enclosure(str(tmp_path)))
    ends = {}

    async def run(name: str, job: Job) -> None:
        ends[name] = await supervise(job)

    async with anyio.create_task_group() as jobs:
        jobs.start_soon(run, "eater", job)
        other = python("import time; time.sleep(1.5)", tmp_path, env, memory_bytes=150 * MEBIBYTE)
        jobs.start_soon(run, "other", other)
    ended = ends["eater"]
    assert (ended.ending, ended.ok) == (Ending.MEMORY, False)
    assert ended.signal == signal.SIGKILL, "it gets no grace to go on eating"
    assert "memory_bytes allows 150 MiB" in ended.breach
    assert ends["other"].ok


async def test_an_eater_that_left_its_session_is_counted(
    tmp_path: Path, env: dict[str, str]
) -> None:
    (tmp_path / "eater.py").write_text(EATER)
    line = "(setsid python3 eater.py </dev/null >/dev/null 2>&1 &); sleep 600"
    job = Job(("sh", "-c", line), tmp_path, env, "test", wall_seconds=60.0)
    ended = await supervise(replace(job, allowance=Allowance(100 * MEBIBYTE)))
    assert ended.ending is Ending.MEMORY


async def test_what_processes_share_is_counted_once(tmp_path: Path, env: dict[str, str]) -> None:
    """Seven processes that map the same 60 MiB hold 60, not 420."""
    ended = await supervise(python(SHARER, tmp_path, env, memory_bytes=200 * MEBIBYTE))
    assert ended.ok, ended


async def test_files_count_by_the_blocks_they_take_and_links_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "file").write_bytes(b"x" * MEBIBYTE)
    (tmp_path / "deep" / "again").hardlink_to(tmp_path / "file")
    (tmp_path / "out").symlink_to("/")
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 40)
    watch = DiskWatch((tmp_path,), Allowance(disk_bytes=2 * MEBIBYTE))
    await watch.measure()
    watch.end()
    assert MEBIBYTE <= watch.taken < 2 * MEBIBYTE
    assert watch.look() == ""


async def test_a_job_whose_files_take_too_much_is_killed_and_named(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_watch, "FIRST_MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(disk_watch, "MEASURE_SECONDS", 0.0)
    line = "for i in 1 2 3; do head -c 9000000 /dev/zero >$i; done; sleep 600"
    job = Job(("sh", "-c", line), tmp_path, env, "test", wall_seconds=60.0, disk=(tmp_path,))
    ended = await supervise(replace(job, allowance=Allowance(disk_bytes=20 * MEBIBYTE)))
    assert ended.ending is Ending.DISK
    assert "disk_bytes allows 20 MiB" in ended.breach


async def test_where_space_runs_low_who_grew_most_is_ended_and_more_only_if_it_shrinks_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 9000
    monkeypatch.setattr(disk_watch, "_free", lambda _: free)
    monkeypatch.setattr(disk_watch, "_BLAME_SECONDS", 0.0)
    watches = []
    for name in ("large", "greedy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").write_bytes(b"x" * (MEBIBYTE if name == "large" else 1))
        watches.append(DiskWatch((tmp_path / name,), Allowance(disk_reserve_bytes=6000)))
        await watches[-1].measure()
    large, greedy = watches
    (tmp_path / "greedy" / "new").write_bytes(b"x" * (MEBIBYTE // 2))
    await greedy.measure()
    assert (large.look(), greedy.look()) == ("", "")
    free = 5000
    assert large.look() == ""
    assert "disk_reserve_bytes" in greedy.look()
    greedy.end()
    assert large.look() == "", "space does not shrink any more"
    free = 4000
    assert large.look()
    large.end()


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 40))
def test_nobody_who_grows_is_left_alone_until_it_could_take_much_more(
    held: int, allowed: int
) -> None:
    pause = next_pause(0, held, allowed, SHORTEST_PAUSE_SECONDS)
    assert SHORTEST_PAUSE_SECONDS <= pause <= LONGEST_PAUSE_SECONDS
    fast = 4 << 30
    assert held + pause * fast <= max(held, allowed) + SHORTEST_PAUSE_SECONDS * fast + 1


def test_who_does_not_grow_is_looked_at_ever_more_seldom() -> None:
    pause = SHORTEST_PAUSE_SECONDS
    for _ in range(8):
        pause = next_pause(990, 990, 1000, pause)
    assert pause == LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 bytes"), (1 << 10, "1 KiB"), (1536 << 20, "1.5 GiB")]
)
def test_sizes_are_told_for_people(count: int, told: str) -> None:
    assert show_bytes(count) == told

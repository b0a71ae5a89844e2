"""How an enclosed command ended is told as if nobody stood between; a sandbox's own failure is not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.sandboxes.bubblewrap import Bubblewrap
from orchestrator.sandboxes.enclosure import Bounds, Enclosure
from orchestrator.supervision.job import Exit, Job, Witness
from orchestrator.supervision.process import supervise

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("adopting")]


@pytest.fixture
def enclosed(tmp_path: Path, env: dict[str, str], bubblewrap: Bubblewrap) -> Callable[..., Job]:
    """Makes a job for the real sandbox, in its own temporary space."""

    def make(*argv: str, bounds: Bounds | None = None, **more: object) -> Job:
        job = Job(argv, Path("/tmp"), env, "test", log=tmp_path / "log")
        enclosure = Enclosure(str(tmp_path), bounds=bounds or Bounds())
        return bubblewrap.wrap(replace(job, **more), enclosure)  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_an_enclosed_command_that_was_killed_says_by_what(
    enclosed: Callable[..., Job], number: signal.Signals
) -> None:
    ended = await supervise(enclosed("sh", "-c", f"ulimit -c 0; kill -{number:d} $$"))
    assert (ended.code, ended.signal) == (None, number)


@pytest.mark.parametrize("code", [0, 1, 126, 128, 150, 200, 255])
async def test_any_other_exit_code_is_the_commands_own(
    enclosed: Callable[..., Job], code: int
) -> None:
    ended = await supervise(enclosed("sh", "-c", f"exit {code}"))
    assert (ended.code, ended.signal, ended.error) == (code, None, "")


@pytest.mark.parametrize("words", [("--no-such-option",), ("--ro-bind", "/no/such", "/x")])
async def test_a_sandbox_that_fails_is_not_taken_for_its_command(
    enclosed: Callable[..., Job], words: tuple[str, ...]
) -> None:
    job = enclosed("true")
    ended = await supervise(replace(job, argv=(job.argv[0], *words, *job.argv[1:])))
    assert ended.code is None
    assert not ended.started
    assert ended.error.startswith("its sandbox failed: bwrap: ")
    assert words[0].strip("-") in ended.error or words[1] in ended.error


async def test_a_sandbox_that_says_why_in_pieces_is_quoted_whole(tmp_path: Path) -> None:
    says = "printf 'bwrap: ' >&2; sleep 0.2; echo 'no such option' >&2; exit 1"
    job = Job(("sh", "-c", says, Witness()), tmp_path, {"PATH": os.defpath}, "pieces")
    ended = await supervise(job)
    assert ended.error == "its sandbox failed: bwrap: no such option"


async def test_a_command_that_says_what_a_sandbox_would_is_believed_to_have_run(
    enclosed: Callable[..., Job],
) -> None:
    ended = await supervise(enclosed("sh", "-c", "echo 'bwrap: no such thing' >&2; exit 1"))
    assert (ended.code, ended.error) == (1, "")


async def test_nothing_of_the_guards_is_within_reach(enclosed: Callable[..., Job]) -> None:
    """Neither a descriptor, by which a command could forge what its guard tells, nor the guard."""
    told: list[str] = []
    await supervise(enclosed("sh", "-c", "ls /proc/self/fd; echo; ls -d /proc/[0-9]*"), told.append)
    descriptors = {int(word) for word in told[: told.index("")]}
    assert len(descriptors - {0, 1, 2}) <= 1, "only that of the listing itself"


async def test_a_fork_bomb_stops_at_its_bound_and_others_go_on(
    enclosed: Callable[..., Job],
) -> None:
    line = "for i in $(seq 100); do sleep 600 & done; echo all"
    told: list[str] = []
    bounded = enclosed("sh", "-c", line, bounds=Bounds(processes=30))
    ended = await supervise(bounded, told.append)
    assert isinstance(ended, Exit)
    assert told == []
    assert (await supervise(enclosed("sh", "-c", "sleep 0 & wait"))).ok


async def test_who_wants_too_many_files_is_refused_inside(enclosed: Callable[..., Job]) -> None:
    told: list[str] = []
    line = "import os\ntry:\n  while True: os.dup(0)\nexcept OSError as e: print(e.errno)"
    await supervise(enclosed("python3", "-c", line, bounds=Bounds(open_files=40)), told.append)
    assert told == ["24"]


async def test_temporary_space_ends_where_it_was_said(
    enclosed: Callable[..., Job], tmp_path: Path
) -> None:
    bounds = Bounds(scratch_bytes=4 << 20)
    ended = await supervise(
        enclosed("sh", "-c", "head -c 9000000 /dev/zero >/tmp/x", bounds=bounds)
    )
    assert not ended.ok
    assert "No space left" in (tmp_path / "log").read_text()

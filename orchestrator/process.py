"""The one supervisor: every command of the engine is started and ended here.

``supervise`` runs a job (an agent, a check, a service) under limits of time and silence, with
its output read as it comes. ``run`` runs a short command (git) and returns what it wrote.
Both promise the same: when they return, by whatever way, the command's whole process group is
gone, and so are the strays it left behind as far as this system lets us see them (``orphans``).
Nothing is inherited: environments are complete. Nobody else may spawn.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING

import anyio
import anyio.lowlevel

from orchestrator import orphans
from orchestrator.child import Child, why_not
from orchestrator.errors import CannotRun
from orchestrator.pipes import BoundedLog, Lines, Pump

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OnLine = Callable[[str], None]

_TICK_SECONDS = 1.0
"""How often a waiting supervisor buries orphans that ended meanwhile."""

_REST_GRACE_SECONDS = 0.5
"""What a group gets between TERM and KILL once its leader has ended by itself."""

_DRAIN_SECONDS = 0.5
"""How long the end of output is waited for when somebody out of reach still holds the pipe."""


@dataclass(frozen=True, slots=True)
class Job:
    """A command to be supervised.

    ``env`` is complete; ``cookie`` the unique id of the session or check, by which its strays
    are known; ``log`` receives both outputs, at most about ``log_bytes``; ``stdin`` is a file,
    none means empty. ``idle_seconds`` bounds the silence on both outputs. ``grace_seconds`` lie
    between SIGTERM and SIGKILL.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    cookie: str
    log: Path | None = None
    stdin: Path | None = None
    wall_seconds: float | None = None
    idle_seconds: float | None = None
    log_bytes: int = 32 * 1024 * 1024
    grace_seconds: float = 5.0


class Ending(StrEnum):
    """What ended a job."""

    EXITED = "exited"
    WALL = "wall"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a job ended.

    ``code`` is set when it exited, ``signal`` when one killed it; neither when it never started,
    and then ``error`` says why and names the mend. ``truncated``: the log is not the whole
    output.
    """

    code: int | None = None
    signal: int | None = None
    ending: Ending = Ending.EXITED
    seconds: float = 0.0
    truncated: bool = False
    error: str = ""

    @property
    def started(self) -> bool:
        return not self.error

    @property
    def ok(self) -> bool:
        """It ran to its own end and exited with 0."""
        return self.started and self.ending is Ending.EXITED and self.code == 0


@dataclass(frozen=True, slots=True)
class Completed:
    """What a short command came to; ``code`` is negative for a signal, as in subprocess."""

    code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


async def supervise(job: Job, on_line: OnLine | None = None) -> Exit:
    """Run ``job`` to its end, or to a limit, and return how it ended.

    ``on_line`` is told each line of standard output, decoded, without its end, on the event
    loop; it must be quick and must not raise. On cancellation the job is stopped wholly before
    the cancellation goes on.
    """
    await anyio.lowlevel.checkpoint_if_cancelled()
    began = anyio.current_time()
    with ExitStack() as held:
        try:
            log = held.enter_context(BoundedLog(job.log, job.log_bytes))
            child = _start(job, held)
        except (OSError, ValueError) as error:
            return Exit(error=why_not(error, job.argv, job.cwd))
        pumps = _pumps(child, log, on_line)
        async with anyio.create_task_group() as readers:
            for pump in pumps:
                readers.start_soon(pump.run)
            try:
                ending = await _ending_of(job, child, pumps, began)
            finally:
                with anyio.CancelScope(shield=True):
                    await _lay_to_rest(job, child, pumps)
        log.close()
        code, number = _status(child.process.returncode)
        seconds = anyio.current_time() - began
        return Exit(code, number, ending, seconds, log.truncated)


async def run(
    argv: Sequence[str],
    *,
    cwd: str | Path,
    env: Mapping[str, str],
    input: bytes | None = None,  # noqa: A002 - the name subprocess.run has taught everybody
    timeout_seconds: float | None = 60.0,
) -> Completed:
    """Run a short command and return what it wrote.

    Outputs are files in memory instead of pipes: the only thing to wait for is the exit, which
    is what makes this cheap, and nobody can hold it up. Nothing is started for a caller who is
    cancelled already. Raises CannotRun when the command could not be started, TimeoutError when
    it took longer than ``timeout_seconds`` (and was killed).
    """
    await anyio.lowlevel.checkpoint_if_cancelled()
    with ExitStack() as held:
        stdout, stderr = held.enter_context(_scratch()), held.enter_context(_scratch())
        stdin = held.enter_context(_filled(input)) if input else subprocess.DEVNULL
        try:
            child = Child.spawn(
                argv, cwd=cwd, env=env, cookie="run", stdin=stdin, stdout=stdout, stderr=stderr
            )
        except (OSError, ValueError) as error:
            raise CannotRun(why_not(error, argv, cwd)) from error
        await _wait_or_kill(child, argv, timeout_seconds)
        return Completed(child.process.returncode, _content(stdout), _content(stderr))


async def _wait_or_kill(child: Child, argv: Sequence[str], timeout_seconds: float | None) -> None:
    limit = math.inf if timeout_seconds is None else timeout_seconds
    ended = False
    try:
        with anyio.move_on_after(limit):
            await child.exited()
            ended = True
    finally:
        child.signal_group(signal.SIGKILL)
        if not ended:
            with anyio.CancelScope(shield=True):
                await child.exited()
        child.reap()
    if not ended:
        raise TimeoutError(f"{' '.join(argv[:3])} took longer than {limit:g} s and was killed")


def _start(job: Job, held: ExitStack) -> Child:
    stdin = held.enter_context(job.stdin.open("rb")) if job.stdin else subprocess.DEVNULL
    child = Child.spawn(
        job.argv,
        cwd=job.cwd,
        env=job.env,
        cookie=job.cookie,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for stream in (child.process.stdout, child.process.stderr):
        if stream is not None:
            held.enter_context(stream)
    return child


def _pumps(child: Child, log: BoundedLog, on_line: OnLine | None) -> list[Pump]:
    pumps = []
    for stream, tell in ((child.process.stdout, on_line), (child.process.stderr, None)):
        if stream is not None:
            pumps.append(Pump(stream.fileno(), log, Lines(tell) if tell else None))
    return pumps


async def _ending_of(job: Job, child: Child, pumps: Sequence[Pump], began: float) -> Ending:
    while True:
        heard = max(pump.heard_at for pump in pumps)
        due, ending = _next_limit(job, began, heard)
        left = due - anyio.current_time()
        if left <= 0:
            return ending
        with anyio.move_on_after(min(left, _TICK_SECONDS)):
            await child.exited()
            return Ending.EXITED
        orphans.bury()


def _next_limit(job: Job, began: float, heard: float) -> tuple[float, Ending]:
    """When the next limit is due, on the monotonic clock, and which one it is."""
    wall = math.inf if job.wall_seconds is None else began + job.wall_seconds
    idle = math.inf if job.idle_seconds is None else heard + job.idle_seconds
    return (wall, Ending.WALL) if wall <= idle else (idle, Ending.IDLE)


async def _lay_to_rest(job: Job, child: Child, pumps: Sequence[Pump]) -> None:
    """End the whole job, then read what is left of its output."""
    await child.stop(job.grace_seconds)
    for pump in pumps:
        pump.hurry()
    child.reap()
    await child.stop_rest(min(job.grace_seconds, _REST_GRACE_SECONDS))
    await orphans.clear()
    with anyio.move_on_after(_DRAIN_SECONDS):
        for pump in pumps:
            await pump.ended()
    for pump in pumps:
        pump.stop()


def _status(returncode: int) -> tuple[int | None, int | None]:
    return (returncode, None) if returncode >= 0 else (None, -returncode)


def _scratch() -> IO[bytes]:
    """A file in memory where the system has such, else one that has no name."""
    create = getattr(os, "memfd_create", None)
    if create is not None:
        with contextlib.suppress(OSError):
            return open(create("clerk"), "w+b", buffering=0)  # noqa: PTH123 - a descriptor
    return tempfile.TemporaryFile(buffering=0)


def _filled(data: bytes) -> IO[bytes]:
    stream = _scratch()
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
    stream.seek(0)
    return stream


def _content(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()

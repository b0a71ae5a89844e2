"""The one supervisor: every command of the engine is started and ended here.

``supervise`` runs a job (an agent, a check, a service) under limits of time and silence, with
its output read as it comes. ``run`` runs a short command (git) and returns what it wrote.
Both promise the same: when they return, by whatever way, the command's whole process group is
gone, and so are the strays it left behind as far as this system lets us see them (``orphans``).
Nothing is inherited: environments are complete. Nobody else may spawn.
"""

from __future__ import annotations

import math
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import anyio
import anyio.lowlevel

from orchestrator.errors import CannotRun
from orchestrator.supervision import orphans
from orchestrator.supervision.child import Child, why_not
from orchestrator.supervision.disk_watch import DiskWatch
from orchestrator.supervision.job import Argv, Completed, Ending, Exit, Handed, Job, Witness
from orchestrator.supervision.memory_file import content, filled, memory_file
from orchestrator.supervision.memory_watch import MemoryWatch
from orchestrator.supervision.pipes import BoundedLog, Lines, Pump
from orchestrator.supervision.watchman import SHORT_COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anyio.abc import TaskGroup

OnLine = Callable[[str], None]


_BY_SIGNAL = 128
_DEADLY = frozenset(
    {
        *(signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM),
        *(signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
        *(signal.SIGTRAP, signal.SIGXCPU, signal.SIGXFSZ),
    }
)
"""What an exit code above 128 may mean. Other such numbers are more likely a command's own."""

_TICK_SECONDS = 1.0
"""How often a waiting supervisor buries orphans that ended meanwhile."""

_NEWS_SECONDS = 0.005
"""How long what is there to be read is given to be so."""

_REST_GRACE_SECONDS = 0.5
"""What a group gets between TERM and KILL once its leader has ended by itself."""

_DRAIN_SECONDS = 0.5
"""How long the end of output is waited for when somebody out of reach still holds the pipe."""


async def supervise(job: Job, on_line: OnLine | None = None) -> Exit:
    """Run ``job`` to its end, or to a limit, and return how it ended.

    ``on_line`` is told each line of standard output, decoded, without its end, on the event
    loop; it must be quick and must not raise. On cancellation the job is stopped wholly before
    the cancellation goes on.
    """
    await anyio.lowlevel.checkpoint_if_cancelled()
    with ExitStack() as held:
        try:
            log = held.enter_context(BoundedLog(job.log, job.log_bytes))
            running = _start(job, log, on_line, held)
        except (OSError, ValueError) as error:
            return Exit(error=why_not(error, _plain(job.argv), job.cwd))
        async with anyio.create_task_group() as helpers:
            for pump in running.pumps:
                helpers.start_soon(pump.run)
            try:
                ending, breach = await _ending_of(running, helpers)
            finally:
                running.disk.end()
                with anyio.CancelScope(shield=True):
                    await _lay_to_rest(running)
        log.close()
        return _exit(running, ending, breach, truncated=log.truncated)


async def run(
    argv: Argv,
    *,
    cwd: str | Path,
    env: Mapping[str, str],
    input: bytes | Path | None = None,  # noqa: A002 - the name subprocess.run has taught everybody
    timeout_seconds: float | None = 60.0,
) -> Completed:
    """Run a short command and return what it wrote; ``input`` is content, or a file of it.

    Outputs are files in memory instead of pipes: the only thing to wait for is the exit, which
    is what makes this cheap, and nobody can hold it up. Nothing is started for a caller who is
    cancelled already. Raises CannotRun when the command could not be started, TimeoutError when
    it took longer than ``timeout_seconds`` (and was killed).
    """
    await anyio.lowlevel.checkpoint_if_cancelled()
    with ExitStack() as held:
        stdout, stderr = held.enter_context(memory_file()), held.enter_context(memory_file())
        try:
            stdin = held.enter_context(_readable(input)) if input else subprocess.DEVNULL
            words, handed, _ = _handed(argv, held)
            child = Child.spawn(
                words,
                cwd=cwd,
                env=env,
                cookie=SHORT_COMMAND,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                handed=handed,
            )
        except (OSError, ValueError) as error:
            raise CannotRun(why_not(error, _plain(argv), cwd)) from error
        await _wait_or_kill(child, argv, timeout_seconds)
        return Completed(child.process.returncode, content(stdout), content(stderr))


async def _wait_or_kill(child: Child, argv: Argv, timeout_seconds: float | None) -> None:
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
        raise TimeoutError(
            f"{' '.join(_plain(argv)[:3])} took longer than {limit:g} s and was killed"
        )


def _handed(argv: Argv, held: ExitStack) -> tuple[list[str], tuple[int, ...], IO[bytes] | None]:
    """The words of a command, the descriptors it is to inherit, and what a guard tells."""
    words, numbers, told = [], [], None
    for word in argv:
        if isinstance(word, str):
            words.append(word)
            continue
        stream = held.enter_context(filled(word.content if isinstance(word, Handed) else b""))
        told = stream if isinstance(word, Witness) else told
        numbers.append(stream.fileno())
        words.append(str(numbers[-1]))
    return words, tuple(numbers), told


def _plain(argv: Argv) -> list[str]:
    return [word for word in argv if isinstance(word, str)]


@dataclass(frozen=True, slots=True)
class _Running:
    """A job that was started, and all who look after it."""

    job: Job
    child: Child
    told: IO[bytes] | None
    pumps: Sequence[Pump]
    memory: MemoryWatch
    disk: DiskWatch
    began: float

    def has_passed(self, limit: Ending) -> bool:
        """Whether a limit that has passed is one of the job's, and not of our own looking away.

        An engine that was stopped or starved for a while finds unread what was said meanwhile.
        """
        return limit is not Ending.IDLE or not any(pump.is_behind() for pump in self.pumps)

    def guards_failure(self) -> str:
        """What its guard died of without having started the command; empty when it started."""
        if (
            self.told is None
            or self.child.process.returncode < 0
            or b"exit-code" in content(self.told)
        ):
            return ""
        words = self.pumps[-1].last.decode("utf-8", "replace").split("\n")
        said = next((word for word in reversed(words) if word.strip()), "it said nothing")
        return f"its sandbox failed: {said.strip()}"


def _start(job: Job, log: BoundedLog, on_line: OnLine | None, held: ExitStack) -> _Running:
    began = anyio.current_time()
    stdin = held.enter_context(job.stdin.open("rb")) if job.stdin else subprocess.DEVNULL
    words, handed, told = _handed(job.argv, held)
    child = Child.spawn(
        words,
        cwd=job.cwd,
        env=job.env,
        cookie=job.cookie,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        handed=handed,
        enclosed=job.enclosed,
    )
    pumps = _pumps(child, log, on_line, held)
    memory = MemoryWatch(child.pid, job.cookie, job.allowance.memory_bytes)
    return _Running(job, child, told, pumps, memory, DiskWatch(job.disk, job.allowance), began)


def _pumps(
    child: Child, log: BoundedLog, on_line: OnLine | None, held: ExitStack
) -> Sequence[Pump]:
    pumps = []
    for stream, tell in ((child.process.stdout, on_line), (child.process.stderr, None)):
        if stream is not None:
            held.enter_context(stream)
            pumps.append(Pump(stream.fileno(), log, Lines(tell) if tell else None))
    return pumps


async def _ending_of(running: _Running, helpers: TaskGroup) -> tuple[Ending, str]:
    while True:
        heard = max(*(pump.heard_at for pump in running.pumps), running.job.pulse.felt_at)
        due, ending = _next_limit(running.job, running.began, heard)
        left = due - anyio.current_time()
        if left <= 0 and running.has_passed(ending):
            return ending, ""
        pause = min(left, running.memory.pause, _TICK_SECONDS)
        with anyio.move_on_after(max(pause, _NEWS_SECONDS)):
            await running.child.exited()
            return Ending.EXITED, ""
        orphans.bury()
        if running.disk.is_due:
            helpers.start_soon(running.disk.measure)
        if breached := _breach(running):
            running.child.signal_group(signal.SIGKILL)  # what takes too much gets no grace to go on
            return breached


def _breach(running: _Running) -> tuple[Ending, str] | None:
    """Which bound the job has passed, if any."""
    if told := running.memory.look():
        return Ending.MEMORY, told
    if told := running.disk.look():
        return Ending.DISK, told
    return None


def _next_limit(job: Job, began: float, heard: float) -> tuple[float, Ending]:
    """When the next limit is due, on the monotonic clock, and which one it is."""
    wall = math.inf if job.wall_seconds is None else began + job.wall_seconds
    idle = math.inf if job.idle_seconds is None else heard + job.idle_seconds
    return (wall, Ending.WALL) if wall <= idle else (idle, Ending.IDLE)


async def _lay_to_rest(running: _Running) -> None:
    """End the whole job, then read what is left of its output."""
    grace, child = running.job.grace_seconds, running.child
    await child.stop(grace)
    for pump in running.pumps:
        pump.hurry()
    child.reap()
    await child.stop_rest(min(grace, _REST_GRACE_SECONDS))
    await orphans.clear()
    with anyio.move_on_after(_DRAIN_SECONDS):
        for pump in running.pumps:
            await pump.ended()
    for pump in running.pumps:
        pump.stop()


def _exit(running: _Running, ending: Ending, breach: str, *, truncated: bool) -> Exit:
    seconds = anyio.current_time() - running.began
    if ending is Ending.EXITED and (failure := running.guards_failure()):
        return Exit(seconds=seconds, error=failure)
    code, number = _status(running.child.process.returncode, enclosed=running.job.enclosed)
    return Exit(code, number, ending, seconds, truncated, breach=breach)


def _status(returncode: int, *, enclosed: bool) -> tuple[int | None, int | None]:
    """Code and signal of an end. A guard tells a signal as a shell does, by 128 more."""
    if returncode < 0:
        return None, -returncode
    if enclosed and returncode - _BY_SIGNAL in _DEADLY:
        return None, returncode - _BY_SIGNAL
    return returncode, None


def _readable(source: bytes | Path) -> IO[bytes]:
    return filled(source) if isinstance(source, bytes) else source.open("rb")

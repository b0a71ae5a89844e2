"""The engine's parts around one repository, without its door, its lock and any job's process.

Its loop runs only while somebody asks it to, so that between two orders nothing moves and a test
can look at all of it. It crashes as a killed process does: at some crash point its loop stops and is
never continued, so that no ``finally`` tidies up. ``bury`` ends what is left of it, for the sake
of the test process, when nobody looks any more.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from inspect import CORO_CREATED
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from waiting import is_gone, until_blocking

from orchestrator import crash_points
from orchestrator.api.reader import Reader
from orchestrator.borders.enclosures import Enclosures
from orchestrator.borders.homecoming import Homecoming
from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository
from orchestrator.jobs.rebuild import catch_up
from orchestrator.jobs.recovery import recover
from orchestrator.ledger import Ledger
from orchestrator.orders.submission import Submissions
from orchestrator.orders.task_orders import Orders
from orchestrator.scheduling.scheduler import Scheduler
from orchestrator.sessions.doorkeeper import Doorkeeper
from orchestrator.settings import load_settings
from orchestrator.site import Records, Site
from orchestrator.supervision.job import Exit
from orchestrator.verification.cache import VerdictCache
from orchestrator.verification.check_inputs import CheckInputs
from orchestrator.verification.check_keys import CheckKeys
from orchestrator.verification.input_audit import InputAudit
from orchestrator.verification.slots import Slots
from orchestrator.verification.verifier import Limits, Verifier
from orchestrator.works import Works

if TYPE_CHECKING:
    from orchestrator.supervision.job import Job
    from orchestrator.supervision.process import OnLine

QUIET_LOOKS = 2
BURIALS = 20
"""A task that is cancelled may begin another one to tidy up."""


class Crashed(Exception):
    """The engine is no more."""


class Hands:
    """Does all jobs without a process: a check looks at files at once, a session waits to be told.

    A tree is red with a file that is not good, and with two rivals in it, each of them good alone.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, tuple[asyncio.Future[Exit], Path]] = {}

    async def run(self, job: Job, on_line: OnLine | None = None) -> Exit:
        if job.log is not None:
            job.log.touch()
        if job.cwd.parent.name == ".verify":
            texts = [path.read_text() for path in job.cwd.glob("*.txt")]
            red = not all("good" in text for text in texts)
            return Exit(code=1 if red or sum("rival" in text for text in texts) > 1 else 0)
        told: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self.sessions[job.cwd.name] = (told, job.cwd)
        try:
            return await told
        finally:
            del self.sessions[job.cwd.name]


class Fuse:
    """In place of the script of ``crash_points``: stops the loop at the nth point from now."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.left = 0
        self._stop = stop

    def reach(self, name: str, database_error: object) -> None:
        self.left -= 1
        if self.left == 0:
            self._stop()


class Desk:
    """One engine's life. ``clock`` is the time it goes by."""

    def __init__(self, common_dir: Path, clock: Callable[[], float]) -> None:
        self.hands, self.crashed = Hands(), False
        self.loop = asyncio.new_event_loop()
        self._work: asyncio.Task[None] | None = None
        self._fuse = crash_points._script = Fuse(self._die)
        repository = Repository.discover(common_dir)
        repository.state_dir.mkdir(exist_ok=True)
        settings = load_settings(repository.state_dir, {})
        self.records = records = Records.open(repository, settings)
        records.store.claim()
        self._git = OpenRepository(repository, verify_slots=2)
        self.site = _site(records, self._git, self.hands, clock)
        self.scheduler = Scheduler(self.site.ledger, Works(self.site), verify_slots=2)
        self.orders = Orders(self.site, self.scheduler)
        reader = Reader(records, clock, started_at=clock(), running=True)
        self.submissions = Submissions(self.site, reader, self.scheduler.has_job)
        records.store.on_commit = lambda events: self.scheduler.wake()

    def start(self, crash_at: int = 0) -> None:
        """Mend what the last one left, and begin to work."""

        async def begin() -> None:
            await recover(self.site)
            await catch_up(self.site, self.records.book.names())
            self._work = asyncio.create_task(self.scheduler.loop())

        self.do(begin, crash_at)

    def do(
        self, order: Callable[[], Coroutine[Any, Any, object]] | None = None, crash_at: int = 0
    ) -> None:
        """Carry out an order, and go on until every job waits to be told what its agent does.

        Raises Crashed when the ``crash_at``-th crash point was reached on the way.
        """
        self._fuse.left = crash_at
        try:
            self.loop.run_until_complete(self._until_quiet(order))
        except RuntimeError:
            if not self.crashed:
                raise
            _hang_up()
            until_blocking(lambda: not any(map(_is_at_work, _children())))
            raise Crashed from None

    async def _until_quiet(self, order: Callable[[], Coroutine[Any, Any, object]] | None) -> None:
        if order is not None:
            await order()
        looks = 0
        with anyio.fail_after(60):
            while looks < QUIET_LOOKS:
                await anyio.sleep(0.004)
                looks = looks + 1 if self._is_quiet() else 0

    def _is_quiet(self) -> bool:
        if self._work is not None and self._work.done():
            self._work.result()
        jobs = {task for _, task in self.scheduler._running}
        return jobs <= self.hands.sessions.keys() and not self.scheduler._news.is_set()

    def _die(self) -> None:
        self.crashed = True
        self.loop.stop()

    def close(self) -> None:
        """As the engine ends that is asked to."""
        self.bury()

    def bury(self) -> None:
        """Leave nothing that the garbage collector would find, and speak of, in somebody's test."""
        crash_points._script = None
        self.loop.set_exception_handler(_what_the_dead_say)
        for _ in range(BURIALS):
            if not asyncio.all_tasks(self.loop):
                break
            with suppress(RuntimeError):  # the stop it died of may be still to come
                self.loop.run_until_complete(self._end_who_has_begun())
        assert not asyncio.all_tasks(self.loop), "a task outlives its engine"
        if self._work is not None and not self._work.cancelled():
            self._work.exception()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        self._git.close()
        self.records.store.close()

    async def _end_who_has_begun(self) -> None:
        """Whoever is cancelled before it has would leave what it was to await."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        begun = [t for t in others if inspect.getcoroutinestate(t.get_coro()) != CORO_CREATED]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def _what_the_dead_say(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nothing: an engine that a later one has superseded fails, and nobody is there to be told."""


def _site(records: Records, git: OpenRepository, hands: Hands, clock: Callable[[], float]) -> Site:
    state = records.repository.state_dir
    enclosures = Enclosures(git.views, state / "enclosures", Path("/nonexistent"))
    cache, inputs = VerdictCache(state / "cache"), CheckInputs(git.listings)
    settings, environ = records.settings, {"PATH": os.environ["PATH"]}
    return Site(
        records=records,
        ledger=Ledger(records.store, clock),
        git=git,
        verifier=Verifier(
            pool=git.pool,
            cache=cache,
            keys=CheckKeys(inputs, git.rendering),
            audit=InputAudit(inputs, git.reductions, cache),
            executor=hands,
            enclosures=enclosures,
            slots=Slots(2),
            environ=environ,
            limits=Limits(
                log_bytes=settings.log_bytes,
                grace_seconds=settings.grace_seconds,
                allowance=settings.allowance,
            ),
        ),
        executor=hands,
        enclosures=enclosures,
        homecoming=Homecoming(git, enclosures, hands),
        environ=environ,
        doorkeeper=Doorkeeper(state / "door"),
    )


def _hang_up() -> None:
    """End what a dead engine had still to say to its git: with a process that dies, its pipes do."""
    ears = {_pipe(f"/proc/{pid}/fd/0") for pid in filter(_is_at_work, _children())} - {""}
    nothing = os.open(os.devnull, os.O_WRONLY)
    for fd in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if fd != nothing and _pipe(f"/proc/self/fd/{fd}") in ears:
            os.dup2(nothing, fd, inheritable=False)
    os.close(nothing)


def _pipe(fd: str) -> str:
    """The name of the pipe behind a descriptor, the same at both ends; empty for anything else."""
    try:
        told = str(Path(fd).readlink())
    except OSError:
        return ""
    return told if told.startswith("pipe:") else ""


def _children() -> list[int]:
    return [
        int(pid)
        for listing in Path("/proc/self/task").glob("*/children")
        for pid in listing.read_text().split()
    ]


def _is_at_work(pid: int) -> bool:
    """Whether a git of a dead engine still runs; its readers of objects only wait to be asked."""
    try:
        told = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        asked_by = str(Path(f"/proc/{pid}/fd/0").readlink())
    except OSError:
        return False
    return told[0].endswith(b"git") and not asked_by.startswith("pipe:") and not is_gone(pid)

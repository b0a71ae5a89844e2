"""One engine of one repository: wires every room, serves the API, ends cleanly.

Opening takes the lock, mends what a crash left, and decides again from what is stored. Closing
stops every session and check first: nothing outlives the engine.
"""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import anyio
import anyio.to_thread

from orchestrator import door_folder, scratch
from orchestrator.api.reader import Reader
from orchestrator.api.views import event_view
from orchestrator.borders.homecoming import Homecoming
from orchestrator.clock import steady_clock
from orchestrator.crash_points import crash_point
from orchestrator.errors import CannotRun, GitError
from orchestrator.events import EventKind
from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository
from orchestrator.herald import Herald
from orchestrator.jobs.asked_check import AskedChecks
from orchestrator.jobs.forecaster import ASKED_MERGES, Forecaster
from orchestrator.jobs.rebuild import catch_up
from orchestrator.jobs.recovery import recover
from orchestrator.ledger import Ledger
from orchestrator.locks import EngineLock
from orchestrator.orders.check_desk import CheckDesk
from orchestrator.orders.owner_checks import OwnerChecks
from orchestrator.orders.queue_orders import QueueOrders
from orchestrator.orders.session_requests import SessionRequests
from orchestrator.orders.submission import Submissions
from orchestrator.orders.task_orders import Orders
from orchestrator.room import require_room
from orchestrator.scheduling.scheduler import Scheduler
from orchestrator.sessions.doorkeeper import Doorkeeper
from orchestrator.settings import load_settings
from orchestrator.site import Records, Site
from orchestrator.supervision import orphans
from orchestrator.verification.workshop import Workshop
from orchestrator.works import Works

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from types import TracebackType

    from orchestrator.api.changes import ChangesView
    from orchestrator.api.check_views import OwnerCheckRequest
    from orchestrator.api.client import EngineClient
    from orchestrator.api.conflict_views import ConflictsView
    from orchestrator.api.lines import Telling
    from orchestrator.api.models import (
        ActionView,
        BriefView,
        DiffView,
        EventView,
        LogChunk,
        PlanView,
        StatusView,
        SubmitPlan,
        TaskDetail,
        TaskSelection,
    )
    from orchestrator.api.timing_views import TimingView
    from orchestrator.events import Event

NEWS_LIMIT = 500


class Engine:
    """The engine of a repository. ``open`` it, then use it as an asynchronous context manager.

    It answers its API (``api.app.Door``) while it is entered; ``began_after`` is the number
    of the last event before its own.
    """

    def __init__(self, repository: Repository, lock: EngineLock, *, background: bool) -> None:
        self._repository = repository
        self._lock = lock
        self._background = background
        self._stack = AsyncExitStack()
        self._stopping = anyio.Event()
        self._listening = anyio.Event()
        self._news = anyio.Event()
        self._last_use = time.monotonic()
        self.socket = Path()
        self.session_door = Path()
        self.began_after = 0

    @classmethod
    def open(cls, common_dir: Path, *, background: bool = False) -> Self:
        """Take the repository's lock; raises EngineLocked when another engine has it."""
        repository = Repository.discover(common_dir)
        door_folder.make_private(repository.state_dir)
        lock = EngineLock(repository.state_dir / "lock")
        with _told_by_the_machine():
            lock.acquire()
            crash_point("engine.locked")
        return cls(repository, lock, background=background)

    async def __aenter__(self) -> Self:
        try:
            with _told_by_the_machine():
                await self._start()
        except BaseException:
            await self._stack.aclose()
            self._lock.release()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        try:
            await self._stack.__aexit__(kind, error, trace)
        finally:
            self._lock.release()

    async def _start(self) -> None:
        stack, repository = self._stack, self._repository
        settings = load_settings(repository.state_dir, os.environ)
        records = Records.open(repository, settings)
        stack.callback(records.store.close)
        records.store.before_write = self._require_fit
        records.store.claim()
        crash_point("engine.claimed")
        stack.enter_context(orphans.household(repository.mark))
        await scratch.sweep()
        doors = door_folder.place_of(repository)
        self.socket = doors / door_folder.OWNER_DOOR
        self.session_door = doors / door_folder.SESSION_DOOR
        stack.callback(door_folder.leave, self.socket.parent, repository.state_dir)
        door_folder.make_passable(self.session_door.parent)
        git = stack.enter_context(OpenRepository(repository, verify_slots=settings.verify_slots))
        environ = dict(os.environ)
        workshop = Workshop.of(git, settings, environ)
        clock = steady_clock()
        self._site = Site(
            records=records,
            ledger=Ledger(records.store, clock),
            git=git,
            verifier=workshop.verifier,
            executor=workshop.executor,
            enclosures=workshop.enclosures,
            homecoming=Homecoming(git, workshop.enclosures, workshop.executor),
            environ=environ,
            doorkeeper=Doorkeeper(self.session_door),
        )
        folder = await stack.enter_async_context(scratch.scratch_folder())
        self._forecaster = Forecaster(records, folder)
        began = clock()
        self._reader = Reader(records, clock, started_at=began, running=True)
        self.log_page, self.search_log = self._reader.log_page, self._reader.search_log
        self._herald = Herald(settings, self._reader.status, environ, since=began)
        self._works = Works(self._site)
        self._scheduler = Scheduler(
            self._site.ledger, self._works, verify_slots=settings.verify_slots
        )
        self._orders = Orders(self._site, self._scheduler)
        self._queue_orders = QueueOrders(self._site, self._scheduler.wake)
        checks = AskedChecks(self._site)
        desk = await stack.enter_async_context(CheckDesk(checks))
        self._requests = SessionRequests(self._site, self._reader, checks, desk)
        self._owner_checks = OwnerChecks(self._site, checks, desk)
        self._submissions = Submissions(self._site, self._reader, self._scheduler.has_job)
        self.began_after = records.store.last_seq()
        await recover(self._site)
        await catch_up(self._site, records.book.names())
        crash_point("engine.recovered")
        self._cache = workshop.cache
        self._cache.sweep()
        await anyio.to_thread.run_sync(self._cache.prune)
        records.store.on_commit = self._on_commit
        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(group.cancel_scope.cancel)
        group.start_soon(self._scheduler.loop)
        group.start_soon(self._serve)
        group.start_soon(self._announce)
        group.start_soon(self._watch)
        group.start_soon(self._herald.watch)
        self._site.ledger.tell(EventKind.ENGINE_STARTED, f"engine {os.getpid()} started")

    async def _serve(self) -> None:
        from orchestrator.api import server  # noqa: PLC0415 - sessions need not wait for it

        try:
            await server.serve(
                server.owner_opening(self, self._requests, self.socket),
                server.session_opening(self._requests, self.session_door),
                listening=self._listening,
                stopping=self._stopping,
            )
        finally:
            self.socket.unlink(missing_ok=True)
            self.session_door.unlink(missing_ok=True)

    async def _announce(self) -> None:
        """Tell where the door is, once it opens."""
        await self._listening.wait()
        self._lock.update(socket=str(self.socket))

    async def _watch(self) -> None:
        """The net below events: keep what is shown fresh, and end an engine nobody needs."""
        while not self._stopping.is_set():
            self._require_fit()
            await self._refresh()
            if self._cache.is_overdue:
                await anyio.to_thread.run_sync(self._cache.prune)
            if self._background and self._is_idle():
                self.stop()
            with anyio.move_on_after(5.0):
                await self._stopping.wait()

    def _require_fit(self) -> None:
        """Nothing is written by an engine that lost its lock, nor onto a full disk."""
        self._lock.require()
        require_room(self._repository.state_dir)

    async def _refresh(self) -> None:
        """Look at what people change in git; what fails now is looked at again in a moment."""
        works = self._works
        looks = (works.look_behind, works.free_held, works.survey_all, self._forecast)
        for look in (self._look_at_targets, *looks):
            with suppress(GitError):
                await look()

    async def _forecast(self) -> None:
        await self._forecaster.look()

    async def _look_at_targets(self) -> None:
        for name in self._site.records.book.names():
            target = self._site.target(name)
            found = await self._site.git.refs.resolve(f"refs/heads/{target}")
            self._reader.targets[target] = found or ""

    def _is_idle(self) -> bool:
        limit = self._site.records.settings.idle_exit_seconds
        plans = self._site.records.store.plans()
        if not limit or any(not plan.settled_at for plan in plans):
            self._last_use = time.monotonic()
        return bool(limit) and time.monotonic() - self._last_use > limit

    def _on_commit(self, events: Sequence[Event]) -> None:
        for event in events:
            self._site.records.activity.observe(event)
        news, self._news = self._news, anyio.Event()
        news.set()
        self._herald.wake()
        self._scheduler.wake()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[EngineClient]:
        """A client of this engine, once it listens."""
        from orchestrator.api.client import EngineClient  # noqa: PLC0415 - start-up time

        await self._listening.wait()
        async with EngineClient.on_socket(self.socket) as client:
            yield client

    def stop(self) -> None:
        """Ask the engine to end; leaving its context does the ending."""
        self._stopping.set()

    async def stopped(self) -> None:
        """Wait until somebody asked the engine to end."""
        await self._stopping.wait()

    # What follows is ``api.app.Door``.

    def status(self) -> StatusView:
        self._last_use = time.monotonic()
        return self._reader.status()

    def timing(self, plan: str) -> TimingView:
        return self._reader.timing(plan)

    async def conflicts(self) -> ConflictsView:
        await self._forecaster.look(ASKED_MERGES)
        return self._reader.conflicts()

    def changes(self, after: int) -> ChangesView:
        self._last_use = time.monotonic()
        return self._reader.changes(after)

    async def submit(self, request: SubmitPlan) -> PlanView:
        view = await self._submissions.submit(request)
        self._scheduler.wake()
        return view

    def task(self, plan: str, task: str) -> TaskDetail:
        return self._reader.task(plan, task)

    def log(self, plan: str, task: str, attempt: int | None, after: int) -> LogChunk:
        return self._reader.log(plan, task, attempt, after)

    async def diff(self, plan: str, task: str) -> DiffView:
        return await self._reader.diff(plan, task)

    async def brief(self, plan: str, task: str) -> BriefView:
        return await self._reader.brief(plan, task)

    async def check(self, plan: str, task: str, request: OwnerCheckRequest) -> Telling:
        return await self._owner_checks.check(plan, task, request)

    def merge(self, plan: str, selection: TaskSelection) -> ActionView:
        return self._orders.merge(plan, selection)

    def approve(self, plan: str, task: str) -> ActionView:
        return self._orders.approve(plan, task)

    def retry(self, plan: str, task: str, note: str) -> ActionView:
        return self._orders.retry(plan, task, note)

    async def cancel(self, plan: str, task: str) -> ActionView:
        return await self._orders.cancel(plan, task)

    def answer(self, plan: str, task: str, text: str) -> ActionView:
        return self._orders.answer(plan, task, text)

    def pause(self, plan: str, task: str | None) -> ActionView:
        return self._orders.pause(plan, task, paused=True)

    def resume(self, plan: str, task: str | None) -> ActionView:
        return self._orders.pause(plan, task, paused=False)

    def rank(self, plan: str, task: str, by: int) -> ActionView:
        return self._orders.rank(plan, task, by)

    def withdraw(self, plan: str, task: str, *, withdrawn: bool) -> ActionView:
        return self._orders.withdraw(plan, task, withdrawn=withdrawn)

    def revert(self, plan: str, task: str, *, update_checkout: bool) -> ActionView:
        return self._queue_orders.revert(plan, task, update_checkout=update_checkout)

    def hold_landing(self, plan: str, *, paused: bool) -> ActionView:
        return self._queue_orders.hold_landing(plan, paused=paused)

    async def news(self, after: int, patience_seconds: float) -> tuple[EventView, ...] | None:
        """Events after ``after``; waits for one, and ends with the engine."""
        self._last_use = time.monotonic()
        store, news = self._site.records.store, self._news
        if store.last_seq() <= after:
            with anyio.move_on_after(patience_seconds):
                async with anyio.create_task_group() as either:
                    for event in (news, self._stopping):
                        either.start_soon(_cancel_after, event, either.cancel_scope)
        found = store.events(after, limit=NEWS_LIMIT)
        if not found and self._stopping.is_set():
            return None
        return tuple(event_view(event) for event in found)


async def _cancel_after(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


@contextmanager
def _told_by_the_machine() -> Iterator[None]:
    """A full disk, say, is no bug of ours."""
    try:
        yield
    except OSError as error:
        raise CannotRun(f"the engine cannot start: {error}") from error

"""Answers to reading clients, from stored facts and git.

The engine answers its API from here, and the command line answers itself from here where no
engine runs; so both always say the same.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator import __version__
from orchestrator.api.changes import between
from orchestrator.api.conflict_views import ConflictsView
from orchestrator.api.log_pages import opened, raw_beside, read_page, search
from orchestrator.api.models import (
    BriefView,
    DiffStatView,
    DiffView,
    EngineView,
    LogChunk,
    StatusView,
    TaskDetail,
)
from orchestrator.api.timings import timing_view
from orchestrator.api.view_book import ViewBook
from orchestrator.api.views import forecast_view, plan_view, queue_view, task_detail
from orchestrator.errors import UsageError
from orchestrator.events import EventKind
from orchestrator.jobs.session_prompt import session_prompt
from orchestrator.tokens import estimate_tokens
from orchestrator.verification_records import history_of, results_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.api.changes import ChangesView
    from orchestrator.api.log_views import LogFound, LogName, LogPage, LogPlace, LogSearch
    from orchestrator.api.models import PlanView, QueueView
    from orchestrator.api.timing_views import TimingView
    from orchestrator.clock import Clock
    from orchestrator.plan.model import Task
    from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord
    from orchestrator.scheduling.decision import PlanSnapshot
    from orchestrator.site import Records

LOG_CHUNK_BYTES = 256 * 1024
DIFF_BYTES = 512 * 1024
DIFF_NAMES = 500


class Reading(Protocol):
    """What can be asked without changing anything; an engine's client is one, too."""

    async def status(self) -> StatusView: ...
    async def timing(self, plan: str) -> TimingView: ...
    async def task(self, plan: str, task: str) -> TaskDetail: ...
    async def log(
        self, plan: str, task: str, *, attempt: int | None = None, after: int = 0
    ) -> LogChunk: ...
    async def diff(self, plan: str, task: str) -> DiffView: ...
    async def brief(self, plan: str, task: str) -> BriefView: ...
    async def conflicts(self) -> ConflictsView: ...


class Reader:
    """Reads for everybody; ``running`` says whether this is an engine that works."""

    def __init__(
        self,
        records: Records,
        clock: Clock = time.time,
        *,
        started_at: float = 0.0,
        running: bool = False,
    ) -> None:
        self.records = records
        self._clock = clock
        self._started_at = started_at
        self._running = running
        self._views = ViewBook(records)
        self.targets: dict[str, str] = {}
        self.warnings: dict[str, tuple[str, ...]] = {}
        self.in_the_way: dict[str, tuple[str, ...]] = {}
        """Checkouts of the target as a plan was taken in, told until there is leave to update them."""

    def status(self) -> StatusView:
        """Every plan with every task."""
        book, now = self.records.book, self._clock()
        plans = tuple(self._plan(book.snapshot(name), now) for name in book.names())
        self._views.seal(tuple((task.plan, task.id) for plan in plans for task in plan.tasks))
        return StatusView(
            engine=EngineView(
                running=self._running,
                pid=os.getpid() if self._running else 0,
                version=__version__,
                started_at=self._started_at,
                repository=str(
                    self.records.repository.checkout or self.records.repository.common_dir
                ),
                sandbox=self.records.settings.sandbox,
            ),
            plans=plans,
            queues=self._queues(plans),
            candidate_seconds=self.records.activity.candidate_seconds,
            last_seq=self.records.store.last_seq(),
        )

    def changes(self, after: int) -> ChangesView:
        """What a client that knows all up to a revision has to be told."""
        status = self.status()
        return between(status, self._views.revision, self._views.changed(after))

    def _queues(self, plans: Sequence[PlanView]) -> tuple[QueueView, ...]:
        """Those at work, and those that wait for a person while anything in them does."""
        tasks = {(task.plan, task.id): task for plan in plans for task in plan.tasks}
        titles = {key: task.title for key, task in tasks.items()}
        held = {key for key, task in tasks.items() if task.held}
        return tuple(
            queue_view(line, titles)
            for _, line in sorted(self.records.activity.lines.items())
            if not line.held or any((p.plan, p.task) in held for p in line.places)
        )

    def plan(self, name: str) -> PlanView:
        """One plan; raises UsageError when unknown."""
        return self._plan(self.records.book.snapshot(name), self._clock())

    def timing(self, plan: str) -> TimingView:
        """How fast a plan's verification is; raises UsageError when unknown."""
        planned, store = self.records.book.snapshot(plan).plan, self.records.store
        attempts = [each for task in store.tasks(plan) for each in store.attempts(plan, task.id)]
        history = history_of(store, planned)
        return timing_view(planned, history, attempts, store.verification_spans(plan))

    def task(self, plan: str, task: str) -> TaskDetail:
        """Everything about one task; raises UsageError when unknown."""
        planned, record = self._find(plan, task)
        store = self.records.store
        view = self._views.view(planned, record, self.records.book.snapshot(plan), self._clock())
        return task_detail(
            planned,
            record,
            view,
            store.attempts(plan, task),
            store.verifications(plan, task),
            noted=store.events(plan=plan, task=task, kind=EventKind.SESSION_NOTED),
            warned=store.events(plan=plan, task=task, kind=EventKind.WARNING),
        )

    def log(self, plan: str, task: str, attempt: int | None, after: int) -> LogChunk:
        """A piece of a session's transcript from byte ``after``, cut between lines."""
        self._find(plan, task)
        found = self._attempt(plan, task, attempt)
        if found is None:
            raise UsageError(f"task {task!r} has had no session yet")
        raw = _read(Path(found.log), after)
        lines = _whole_lines(raw, last=bool(found.ended_at))
        return LogChunk(
            text=lines.decode("utf-8", "replace"),
            next=after + len(lines),
            attempt=found.number,
            ended=bool(found.ended_at) and len(raw) < LOG_CHUNK_BYTES,
        )

    def log_page(self, plan: str, task: str, place: LogPlace) -> LogPage:
        """A page of a log; raises UsageError where there is no such log."""
        with opened(self._log_path(plan, task, place), self._logs) as log:
            return read_page(log, place)

    def search_log(self, plan: str, task: str, wanted: LogSearch) -> LogFound:
        """Where a text stands next in a log."""
        with opened(self._log_path(plan, task, wanted), self._logs) as log:
            return search(log, wanted)

    @property
    def _logs(self) -> Path:
        return self.records.repository.state_dir / "logs"

    def _log_path(self, plan: str, task: str, name: LogName) -> str:
        """The file that is on record under ``name``."""
        self._find(plan, task)
        if name.attempt is not None:
            attempt = self._attempt(plan, task, name.attempt)
            transcript = attempt.log if attempt else ""
            return raw_beside(transcript) if name.raw else transcript
        if name.verification is None:
            return self._running_log(plan, task, name.check)
        for record in self.records.store.verifications(plan, task):
            if record.id == name.verification:
                logs = {result.check: result.log for result in results_from(record)}
                return logs.get(name.check, "")
        raise UsageError(f"task {task!r} has had no verification {name.verification}")

    def _running_log(self, plan: str, task: str, check: str) -> str:
        """The log of a check that is not on record yet; it may have none so far."""
        begun = self.records.activity.of(plan, task).logs
        if check not in begun:
            raise UsageError(f"check {check!r} has not begun")
        return str(begun[check])

    async def diff(self, plan: str, task: str) -> DiffView:
        """What the task's branch changed since its base."""
        _, record = self._find(plan, task)
        if not record.head or not record.base:
            return DiffView(stat=DiffStatView(), text="", truncated=False)
        history = self.records.history
        stat, paths = await history.changes(record.base, record.head)
        commits = await history.subjects(record.base, record.head)
        text = await history.diff_text(record.base, record.head, DIFF_BYTES)
        return DiffView(
            stat=DiffStatView(
                files=stat.files, insertions=stat.insertions, deletions=stat.deletions
            ),
            text=text,
            truncated=len(text.encode()) >= DIFF_BYTES - 256,
            paths=paths[:DIFF_NAMES],
            commits=commits[:DIFF_NAMES],
        )

    async def brief(self, plan: str, task: str) -> BriefView:
        """What the task's next session will be told, word for word."""
        planned, record = self._find(plan, task)
        prompt = await session_prompt(self.records, planned, record)
        return BriefView(
            attempt=record.attempts_used + 1,
            resumed=prompt.resume is not None,
            tokens=estimate_tokens(prompt.text),
            text=prompt.text,
        )

    def conflicts(self) -> ConflictsView:
        """What will conflict, as far as it was looked at."""
        book = self.records.book
        forecasts = self.records.outlook.forecasts.values()
        return ConflictsView(
            forecasts=tuple(
                forecast_view(forecast, book.task, book.task_record)
                for forecast in forecasts
                if forecast.branches
            )
        )

    def _find(self, plan: str, task: str) -> tuple[Task, TaskRecord]:
        book = self.records.book
        return book.task(plan, task), book.task_record(plan, task)

    def _plan(self, snapshot: PlanSnapshot, now: float) -> PlanView:
        name = snapshot.record.name
        tasks = (
            self._views.view(task, snapshot.tasks[task.id], snapshot, now)
            for task in snapshot.plan.tasks
            if task.id in snapshot.tasks
        )
        return plan_view(
            snapshot,
            tasks,
            target_commit=self.targets.get(snapshot.record.target, ""),
            baseline=self.records.baseline(name),
            warnings=(
                *_rebuilt(snapshot.record),
                *self.warnings.get(name, ()),
                *(() if snapshot.record.update_checkout else self.in_the_way.get(name, ())),
            ),
            behind=self.records.activity.behind.get(snapshot.record.target, ()),
        )

    def _attempt(self, plan: str, task: str, number: int | None) -> AttemptRecord | None:
        attempts = self.records.store.attempts(plan, task)
        if number is None:
            return attempts[-1] if attempts else None
        for attempt in attempts:
            if attempt.number == number:
                return attempt
        raise UsageError(f"task {task!r} has had {len(attempts)} sessions, there is no {number}")


def _read(path: Path, after: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(min(after, os.fstat(file.fileno()).st_size))
            return file.read(LOG_CHUNK_BYTES)
    except FileNotFoundError:
        return b""


def _whole_lines(raw: bytes, *, last: bool) -> bytes:
    """``raw`` up to the end of its last whole line, so that no character is cut in two."""
    if last and len(raw) < LOG_CHUNK_BYTES:
        return raw
    cut = raw.rfind(b"\n") + 1
    return raw[:cut] if cut or len(raw) < LOG_CHUNK_BYTES else raw


def _rebuilt(plan: PlanRecord) -> tuple[str, ...]:
    """What a person must know of a plan whose state was lost."""
    if not plan.rebuilt_at:
        return ()
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(plan.rebuilt_at))
    told = f"rebuilt from git on {day}, since what was stored of it was lost: what had landed is"
    told += (
        " known, branches are verified again; attempts, costs and approvals of before are not known"
    )
    return (told,)

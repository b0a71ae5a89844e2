"""An engine without agents: it holds views, tells events, and remembers what was ordered.

It answers as the real one does: refusals come as refusals, a stopped engine raises
EngineUnreachable and ends the streams, every change is an event. Tests change tasks with
``change`` and never touch the views themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import anyio

from orchestrator.api.changes import ChangesView, between
from orchestrator.api.conflict_views import ConflictsView
from orchestrator.api.log_views import LogFound, LogPage
from orchestrator.api.models import (
    ActionView,
    BriefView,
    DiffStatView,
    DiffView,
    EngineView,
    EventView,
    LogChunk,
    PlanView,
    QueueView,
    Refusal,
    StatusView,
    TaskDetail,
    TaskSelection,
    TaskView,
)
from orchestrator.api.timing_views import TimingView
from orchestrator.errors import EngineUnreachable, UsageError
from orchestrator.states import MergeMode, Need, TaskState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from orchestrator.api.log_views import LogName, LogPlace, LogSearch
    from orchestrator.api.models import AttemptView, NoteView, VerificationView


class ScriptedEngine:
    """Use it as ``ClerkApp(lambda: engine)``."""

    def __init__(self, *plans: PlanView) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusals: dict[str, str] = {}
        self.answers = 0
        self.logs: dict[tuple[str, int], str] = defaultdict(str)
        self.diffs: dict[str, str] = {}
        self.briefs: dict[str, str] = {}
        self.raw_logs: dict[tuple[str, int], str] = {}
        self.notes: dict[str, tuple[NoteView, ...]] = {}
        self.check_logs: dict[tuple[str, str], str] = {}
        self.pages: list[tuple[int, int]] = []
        self.queues: tuple[QueueView, ...] = ()
        self.forecast = ConflictsView()
        self.timings: dict[str, TimingView] = {}
        self.attempts: dict[str, tuple[AttemptView, ...]] = {}
        self.verifications: dict[str, tuple[VerificationView, ...]] = {}
        self.running = True
        self._taken_at = 1
        self._changed_at: dict[tuple[str, str], int] = {}
        self.candidate_seconds = 0.0
        self._plans = {plan.name: plan for plan in plans}
        self._events: list[EventView] = []
        self._bell = anyio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    # What the test does to it.

    def take(self, plan: PlanView) -> None:
        """Take in a plan, or another state of it."""
        self._plans[plan.name] = plan
        self.tell("plan_changed", plan.name)
        self._taken_at = self._revision

    def change(self, plan: str, task: str, **fields: Any) -> None:
        """Change a task as the real engine would: a new view and an event."""
        old = self._plans[plan]
        tasks = tuple(_changed(view, fields) if view.id == task else view for view in old.tasks)
        self._plans[plan] = old.model_copy(update={"tasks": tasks})
        self.tell("task_changed", plan, task)
        self._changed_at[plan, task] = self._revision

    def write(self, task: str, text: str, *, attempt: int = 1) -> None:
        """What the session of a task printed."""
        self.logs[task, attempt] += text

    def tell(self, kind: str, plan: str = "", task: str = "") -> None:
        seq = len(self._events) + 1
        self._events.append(EventView(seq=seq, at=0.0, kind=kind, plan=plan, task=task))
        self._ring()

    def stop(self) -> None:
        self.running = False
        self._ring()

    def start(self) -> None:
        self.running = True

    def view(self, plan: str, task: str) -> TaskView:
        found = [view for view in self._plans[plan].tasks if view.id == task]
        if not found:
            raise UsageError(f"plan '{plan}' has no task '{task}'")
        return found[0]

    # What the dashboard asks.

    async def changes(self, after: int = 0) -> ChangesView:
        await self._answer()
        self.answers += 1
        engine = EngineView(running=True, repository="/home/ada/shop", version="0.1.0")
        status = StatusView(
            engine=engine,
            plans=tuple(self._plans.values()),
            candidate_seconds=self.candidate_seconds,
            queues=self.queues,
            last_seq=len(self._events),
        )
        changed = {key for key, seq in self._changed_at.items() if seq > after}
        return between(status, self._revision, None if after < self._taken_at else changed)

    async def events(self, after: int = 0) -> AsyncIterator[EventView]:
        await self._answer()
        while self.running:
            bell = self._bell
            for event in self._events[after:]:
                yield event
                after = event.seq
            if bell is self._bell:
                await bell.wait()

    async def task(self, plan: str, task: str) -> TaskDetail:
        await self._answer()
        view = self.view(plan, task)
        return TaskDetail(
            task=view,
            brief=self.briefs.get(task, view.title),
            touches=("src/**",),
            done_when=tuple(check.name for check in view.checks),
            note="",
            notes=self.notes.get(task, ()),
            attempts=self.attempts.get(task, ()),
            verifications=self.verifications.get(task, ()),
        )

    async def log(
        self, plan: str, task: str, *, attempt: int | None = None, after: int = 0
    ) -> LogChunk:
        await self._answer()
        view = self.view(plan, task)
        number = attempt or view.attempt
        if not number:
            raise UsageError(f"task '{task}' has no attempt yet")
        text = self.logs[task, number][after : after + 65536]
        ended = number < view.attempt or view.state is not TaskState.RUNNING
        return LogChunk(text=text, next=after + len(text), attempt=number, ended=ended)

    async def conflicts(self) -> ConflictsView:
        await self._answer()
        return self.forecast

    async def timing(self, plan: str) -> TimingView:
        await self._answer()
        return self.timings.get(plan, TimingView(plan=plan))

    async def log_page(self, plan: str, task: str, place: LogPlace) -> LogPage:
        await self._answer()
        raw = self._log_of(plan, task, place)
        if place.at is None:
            end = len(raw) if place.before is None else min(place.before, len(raw))
            start = max(0, end - place.most)
            start = raw.find(b"\n", start, end - 1) + 1 or start if start else 0
        else:
            start = min(place.at, len(raw))
            end = min(len(raw), start + place.most)
            end = raw.rfind(b"\n", start, end) + 1 or end if end < len(raw) else end
        self.pages.append((start, end))
        text = raw[start:end].decode("utf-8", "replace")
        return LogPage(text=text, start=start, end=end, size=len(raw))

    async def search_log(self, plan: str, task: str, wanted: LogSearch) -> LogFound:
        await self._answer()
        raw, text = self._log_of(plan, task, wanted), wanted.text.encode()
        at = raw.rfind(text, 0, wanted.at) if wanted.backwards else raw.find(text, wanted.at)
        return LogFound(at=None if at < 0 else at, next=None)

    def _log_of(self, plan: str, task: str, name: LogName) -> bytes:
        self.view(plan, task)
        if name.attempt is None:
            known = self.check_logs.get((task, name.check))
            if known is None and name.verification is None:
                raise UsageError(f"check {name.check!r} has not begun")
        else:
            known = (self.raw_logs if name.raw else self.logs).get((task, name.attempt))
        if known is None:
            raise UsageError("there is no such log any more")
        return known.encode("utf-8", "surrogateescape")

    async def diff(self, plan: str, task: str) -> DiffView:
        await self._answer()
        view = self.view(plan, task)
        text = self.diffs.get(task, "")
        paths = tuple(re.findall(r"^diff --git a/(.*) b/", text, re.MULTILINE))
        stat = view.diff or DiffStatView()
        commits = (view.title,) if paths else ()
        return DiffView(stat=stat, text=text, truncated=False, paths=paths, commits=commits)

    async def brief(self, plan: str, task: str) -> BriefView:
        await self._answer()
        text = self.briefs.get(task, self.view(plan, task).title)
        return BriefView(attempt=1, resumed=False, tokens=len(text) // 4, text=text)

    async def merge(self, plan: str, selection: TaskSelection) -> ActionView:
        leave = ("update_checkout",) if selection.update_checkout else ()
        return await self._apply(("merge", plan, selection.tasks, *leave), selection.tasks)

    async def approve(self, plan: str, task: str) -> ActionView:
        return await self._apply(("approve", plan, task), (task,))

    async def retry(self, plan: str, task: str, note: str = "") -> ActionView:
        return await self._apply(("retry", plan, task, note), (task,))

    async def cancel(self, plan: str, task: str) -> ActionView:
        return await self._apply(("cancel", plan, task), (task,))

    async def answer(self, plan: str, task: str, text: str) -> ActionView:
        return await self._apply(("answer", plan, task, text), (task,))

    async def pause(self, plan: str, task: str | None = None) -> ActionView:
        return await self._apply(("pause", plan, task), (task or plan,))

    async def resume(self, plan: str, task: str | None = None) -> ActionView:
        return await self._apply(("resume", plan, task), (task or plan,))

    async def rank(self, plan: str, task: str, by: int) -> ActionView:
        return await self._apply(("rank", plan, task, by), (task,))

    async def withdraw(self, plan: str, task: str, *, withdrawn: bool) -> ActionView:
        return await self._apply(("withdraw", plan, task, withdrawn), (task,))

    async def revert(self, plan: str, task: str, *, update_checkout: bool = False) -> ActionView:
        leave = ("update_checkout",) if update_checkout else ()
        return await self._apply(("revert", plan, task, *leave), (task,))

    async def _answer(self) -> None:
        await anyio.lowlevel.checkpoint()
        if not self.running:
            raise EngineUnreachable("the engine does not answer; start it with: clerk start")

    async def _apply(self, call: tuple[Any, ...], tasks: Iterable[str]) -> ActionView:
        await self._answer()
        self.calls.append(call)
        refused = [task for task in tasks if task in self.refusals]
        return ActionView(
            done=tuple(task for task in tasks if task not in refused),
            refused=tuple(Refusal(task=task, reason=self.refusals[task]) for task in refused),
        )

    @property
    def _revision(self) -> int:
        return len(self._events) + 1

    def _ring(self) -> None:
        old, self._bell = self._bell, anyio.Event()
        old.set()


def a_task(id: str, state: TaskState = TaskState.PENDING, **fields: Any) -> TaskView:  # noqa: A002
    """A task of plan ``shop``, with three attempts allowed."""
    given = {"plan": "shop", "title": f"Title of {id}", "attempts_allowed": 3} | fields
    return _changed(TaskView(id=id, state=state, **given), {"need": given.get("need")})


def _changed(view: TaskView, fields: dict[str, Any]) -> TaskView:
    """The view with these fields, and the need that follows from them unless it is given."""
    new = view.model_copy(update=fields)
    return new if fields.get("need") else new.model_copy(update={"need": _need(new)})


def _need(task: TaskView) -> Need | None:
    match task.state:
        case TaskState.FAILED:
            return Need.MEND
        case TaskState.NEEDS_INPUT:
            return Need.ANSWER if task.asks else Need.LOOK
        case TaskState.VERIFIED if task.approve and not task.approved:
            return Need.APPROVE
        case TaskState.VERIFIED if task.merge_ready and not task.merge_requested:
            return Need.MERGE
        case _:
            return None


def a_plan(*tasks: TaskView, name: str = "shop", **fields: Any) -> PlanView:
    given = {
        "path": f"plans/{name}.yaml",
        "target": "main",
        "merge": MergeMode.MANUAL,
        "sandbox": "none",
        "parallel": 4,
        "update_checkout": False,
        "paused": False,
        "settled": False,
        "person_needed": False,
        "started_at": 1_000.0,
        "settled_at": 0.0,
    } | fields
    return PlanView(name=name, tasks=tasks, **given)

"""What to do next: a pure function from a snapshot to actions.

Level-triggered: everything is decided again from the facts each time, and nothing depends on
having seen an event, so that after a crash, a lost wake-up or a doubled one the same actions
follow. Deciding changes nothing; ``scheduler`` applies. Cost is linear in the number of tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.readiness import approved
from orchestrator.states import MergeMode, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import PlanRecord, TaskRecord

TaskKey = tuple[str, str]
"""Plan name and task id."""


@dataclass(frozen=True, slots=True)
class PlanSnapshot:
    """One plan with its tasks as stored; ``baseline_known`` once the target was verified."""

    plan: Plan
    record: PlanRecord
    tasks: Mapping[str, TaskRecord]
    baseline_known: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that deciding looks at.

    ``busy`` are tasks with a job in hand, ``baselining`` plans whose baseline is being verified,
    ``landing`` whether a candidate is in hand, ``verify_slots`` how many more verifications may
    start, ``now`` POSIX seconds.
    """

    plans: tuple[PlanSnapshot, ...]
    busy: frozenset[TaskKey]
    baselining: frozenset[str]
    landing: bool
    verify_slots: int
    now: float


@dataclass(frozen=True, slots=True)
class StartBaseline:
    plan: str


@dataclass(frozen=True, slots=True)
class StartSession:
    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class StartVerification:
    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class StartLanding:
    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class Settle:
    """A task that can never start, since ``settled_by`` will not land."""

    plan: str
    task: str
    settled_by: str
    reason: str


Action = StartBaseline | StartSession | StartVerification | StartLanding | Settle


@dataclass(frozen=True, slots=True)
class Decision:
    """``actions`` to take now, and ``wake_at``: when time alone will change the decision."""

    actions: tuple[Action, ...] = ()
    wake_at: float | None = None
    quiet_plans: frozenset[str] = field(default_factory=frozenset)


def decide(snapshot: Snapshot) -> Decision:
    """The actions that ``snapshot`` calls for.

    ``quiet_plans`` are those in which nothing is in hand, nothing is to be started and no clock
    is running: they go on only when a person does something.
    """
    actions: list[Action] = []
    clocks: list[float] = []
    quiet: set[str] = set()
    slots = snapshot.verify_slots
    for plan in snapshot.plans:
        mine: list[Action] = list(_settlements(plan))
        gone = {action.task for action in mine if isinstance(action, Settle)}
        sessions = list(_sessions(plan, snapshot, gone))
        mine += sessions
        verifications = list(_verifications(plan, snapshot))
        mine += verifications[:slots]
        slots -= len(verifications[:slots])
        waits = list(_clocks(plan, snapshot))
        clocks += waits
        actions += mine
        if not (mine or verifications or waits or _in_hand(plan, snapshot)):
            quiet.add(plan.plan.name)
    landing = _next_landing(snapshot)
    if landing is not None:
        actions.append(landing)
        quiet.discard(landing.plan)
    return Decision(tuple(actions), min(clocks, default=None), frozenset(quiet))


def unmerged_dependencies(task: Task, tasks: Mapping[str, TaskRecord]) -> tuple[str, ...]:
    """The dependencies of ``task`` that have not landed; a dropped one does not hold it up."""
    return tuple(
        name for name in task.after if name in tasks and tasks[name].state is not TaskState.MERGED
    )


def _settlements(plan: PlanSnapshot) -> Iterator[Settle]:
    """Everything that a failed or cancelled task makes impossible, down the graph, at once."""
    lost = {
        name: f"{name!r} {'failed' if record.state is TaskState.FAILED else 'was cancelled'}"
        for name, record in plan.tasks.items()
        if record.state in {TaskState.FAILED, TaskState.CANCELLED}
    }
    if not lost:
        return
    waiting = [t for t in plan.plan.tasks if _waits(plan.tasks.get(t.id))]
    direct = set(lost)
    found = True
    while found:
        found = False
        for task in waiting:
            cause = next((name for name in task.after if name in lost), None)
            if cause is None or task.id in lost:
                continue
            found = True
            lost[task.id] = lost[cause]
            via = "" if cause in direct else f"needs {cause!r}, and "
            yield Settle(plan.plan.name, task.id, cause, f"{via}{lost[cause]}")


def _waits(record: TaskRecord | None) -> bool:
    return record is not None and record.state is TaskState.PENDING


def _sessions(plan: PlanSnapshot, snapshot: Snapshot, gone: set[str]) -> Iterator[Action]:
    """The baseline before anything else, then sessions for ready tasks while slots are free."""
    ready = [
        task
        for task in plan.plan.tasks
        if task.id not in gone and is_ready(task, plan, now=snapshot.now, busy=snapshot.busy)
    ]
    if not ready or plan.record.paused:
        return
    if not plan.baseline_known:
        if plan.plan.name not in snapshot.baselining:
            yield StartBaseline(plan.plan.name)
        return
    running = sum(1 for record in plan.tasks.values() if record.state is TaskState.RUNNING)
    ready.sort(key=lambda task: (-task.priority, plan.tasks[task.id].position))
    for task in ready[: max(0, plan.plan.parallel - running)]:
        yield StartSession(plan.plan.name, task.id)


def is_ready(
    task: Task, plan: PlanSnapshot, *, now: float, busy: frozenset[TaskKey] = frozenset()
) -> bool:
    """Whether a session of ``task`` could start, were a slot free."""
    record = plan.tasks.get(task.id)
    if record is None or record.paused or (plan.plan.name, task.id) in busy:
        return False
    if record.state is TaskState.RETRY_QUEUED:
        return record.retry_at <= now
    return record.state is TaskState.PENDING and not unmerged_dependencies(task, plan.tasks)


def _verifications(plan: PlanSnapshot, snapshot: Snapshot) -> Iterator[StartVerification]:
    waiting = (
        record
        for record in plan.tasks.values()
        if record.state is TaskState.VERIFYING
        and (record.plan, record.id) not in snapshot.busy
        and record.retry_at <= snapshot.now
    )
    for record in sorted(waiting, key=lambda record: record.changed_at):
        yield StartVerification(record.plan, record.id)


def _next_landing(snapshot: Snapshot) -> StartLanding | None:
    """The one task to land now: highest priority, then the one that has waited longest."""
    if snapshot.landing:
        return None
    ready = [
        (-task.priority, record.verified_at, record.position, record)
        for plan in snapshot.plans
        for task, record in _landable(plan)
        if (record.plan, record.id) not in snapshot.busy and record.retry_at <= snapshot.now
    ]
    if not ready:
        return None
    record = min(ready, key=lambda entry: entry[:3])[3]
    return StartLanding(record.plan, record.id)


def _landable(plan: PlanSnapshot) -> Iterator[tuple[Task, TaskRecord]]:
    auto = plan.record.merge == MergeMode.AUTO and not plan.record.paused
    for task in plan.plan.tasks:
        record = plan.tasks.get(task.id)
        if (
            record is not None
            and record.state is TaskState.VERIFIED
            and (record.merge_requested or (auto and not record.paused))
            and record.verified_head == record.head
            and approved(task, record)
        ):
            yield task, record


def _clocks(plan: PlanSnapshot, snapshot: Snapshot) -> Iterable[float]:
    """Times at which a waiting task becomes due; what waits for a person has no clock."""
    for record in plan.tasks.values():
        timed = record.state in {TaskState.RETRY_QUEUED, TaskState.VERIFYING} or (
            record.state is TaskState.VERIFIED and not record.held
        )
        if timed and record.retry_at > snapshot.now and not (plan.record.paused or record.paused):
            yield record.retry_at


def _in_hand(plan: PlanSnapshot, snapshot: Snapshot) -> bool:
    name = plan.plan.name
    return name in snapshot.baselining or any(key[0] == name for key in snapshot.busy)

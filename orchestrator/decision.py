"""What to do next: a pure function from a snapshot to actions.

Level-triggered: everything is decided again from the facts each time, and nothing depends on
having seen an event, so that after a crash, a lost wake-up or a doubled one the same actions
follow. Deciding changes nothing; ``scheduler`` applies. Cost is linear in the number of tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from orchestrator.readiness import approved
from orchestrator.states import MergeMode, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import PlanRecord, TaskRecord

TaskKey = tuple[str, str]
"""Plan name and task id."""

Standing = Mapping[TaskState, Sequence["TaskRecord"]]
"""The tasks of a plan by their state, each in the plan's order."""

InLine = tuple["Task", "TaskRecord"]
"""A task that waits for nothing but its landing."""

BACKLOG = 2
"""As many tasks for each session slot may wait to land before no further task is begun."""


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
    queue: list[InLine] = []
    for plan in snapshot.plans:
        standing = _standing(plan)
        line = list(_in_line(plan, standing, snapshot))
        queue += line
        mine: list[Action] = list(_settlements(plan, standing))
        gone = {action.task for action in mine if isinstance(action, Settle)}
        mine += _sessions(plan, standing, snapshot, gone, is_crowded=_is_crowded(plan, line))
        verifications = list(_verifications(standing, snapshot))
        mine += verifications[:slots]
        slots -= len(verifications[:slots])
        waits = list(_clocks(plan, standing, snapshot))
        clocks += waits
        actions += mine
        if not (mine or verifications or waits or line or _in_hand(plan, snapshot)):
            quiet.add(plan.plan.name)
    if queue and not snapshot.landing:
        actions.append(_next_landing(queue))
    return Decision(tuple(actions), min(clocks, default=None), frozenset(quiet))


def unmerged_dependencies(task: Task, tasks: Mapping[str, TaskRecord]) -> tuple[str, ...]:
    """The dependencies of ``task`` that have not landed; a dropped one does not hold it up."""
    return tuple(
        name for name in task.after if name in tasks and tasks[name].state is not TaskState.MERGED
    )


def _standing(plan: PlanSnapshot) -> Standing:
    """The tasks by their state: one look at all of them, since each step wants only a few."""
    standing: dict[TaskState, list[TaskRecord]] = {state: [] for state in TaskState}
    for record in plan.tasks.values():
        standing[record.state].append(record)
    return standing


def _settlements(plan: PlanSnapshot, standing: Standing) -> Iterator[Settle]:
    """Everything that a failed or cancelled task makes impossible, down the graph, at once."""
    lost = {record.id: f"{record.id!r} failed" for record in standing[TaskState.FAILED]}
    lost |= {record.id: f"{record.id!r} was cancelled" for record in standing[TaskState.CANCELLED]}
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


def _sessions(
    plan: PlanSnapshot,
    standing: Standing,
    snapshot: Snapshot,
    gone: set[str],
    *,
    is_crowded: bool,
) -> Iterator[Action]:
    """The baseline before anything else, then sessions for ready tasks while slots are free."""
    free = plan.plan.parallel - len(standing[TaskState.RUNNING])
    nothing_fits = free <= 0 or (is_crowded and not standing[TaskState.RETRY_QUEUED])
    if plan.record.paused or (nothing_fits and plan.baseline_known):
        return
    ready = [
        task
        for task in plan.plan.tasks
        if task.id not in gone and is_ready(task, plan, now=snapshot.now, busy=snapshot.busy)
    ]
    if not ready:
        return
    if not plan.baseline_known:
        if plan.plan.name not in snapshot.baselining:
            yield StartBaseline(plan.plan.name)
        return
    ready.sort(key=lambda task: (-task.priority, plan.tasks[task.id].position))
    begun = [task for task in ready if plan.tasks[task.id].sessions]
    for task in (begun if is_crowded else ready)[: max(0, free)]:
        yield StartSession(plan.plan.name, task.id)


def _is_crowded(plan: PlanSnapshot, line: Sequence[InLine]) -> bool:
    """Whether so much waits to land by itself that beginning more would only make it stale.

    A branch begun later starts from a later target. What is held waits for a person, who may be
    long: that hinders no session.
    """
    return sum(not record.held for _, record in line) >= BACKLOG * plan.plan.parallel


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


def _verifications(standing: Standing, snapshot: Snapshot) -> Iterator[StartVerification]:
    waiting = (
        record
        for record in standing[TaskState.VERIFYING]
        if (record.plan, record.id) not in snapshot.busy and record.retry_at <= snapshot.now
    )
    for record in sorted(waiting, key=lambda record: record.changed_at):
        yield StartVerification(record.plan, record.id)


def _next_landing(queue: Iterable[InLine]) -> StartLanding:
    """The one task to land now: highest priority, then the one that has waited longest."""
    _, record = min(queue, key=lambda one: (-one[0].priority, one[1].verified_at, one[1].position))
    return StartLanding(record.plan, record.id)


def _in_line(plan: PlanSnapshot, standing: Standing, snapshot: Snapshot) -> Iterator[InLine]:
    """What could land now."""
    if not standing[TaskState.VERIFIED]:
        return
    for task, record in _landable(plan):
        if (record.plan, record.id) not in snapshot.busy and record.retry_at <= snapshot.now:
            yield task, record


def _landable(plan: PlanSnapshot) -> Iterator[InLine]:
    auto = plan.record.merge == MergeMode.AUTO and not plan.record.paused
    for task in plan.plan.tasks:
        record = plan.tasks.get(task.id)
        if (
            record is not None
            and record.state is TaskState.VERIFIED
            and (record.merge_requested or (auto and not record.paused))
            and record.verified_head == record.head
            and approved(task, record)
            and (task.tests_first is None or record.tests_head)
            and not unmerged_dependencies(task, plan.tasks)
        ):
            yield task, record


def _clocks(plan: PlanSnapshot, standing: Standing, snapshot: Snapshot) -> Iterable[float]:
    """Times at which a waiting task becomes due; what waits for a person has no clock."""
    landing = (record for record in standing[TaskState.VERIFIED] if not record.held)
    for record in chain(standing[TaskState.RETRY_QUEUED], standing[TaskState.VERIFYING], landing):
        if record.retry_at > snapshot.now and not (plan.record.paused or record.paused):
            yield record.retry_at


def _in_hand(plan: PlanSnapshot, snapshot: Snapshot) -> bool:
    name = plan.plan.name
    return name in snapshot.baselining or any(key[0] == name for key in snapshot.busy)

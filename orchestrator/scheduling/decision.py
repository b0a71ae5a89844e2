"""What to do next: a pure function from a snapshot to actions.

Level-triggered: everything is decided again from the facts each time, and nothing depends on
having seen an event, so that after a crash, a lost wake-up or a doubled one the same actions
follow. Deciding changes nothing; ``scheduler`` applies. Cost is linear in the number of tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from orchestrator.readiness import approved
from orchestrator.scheduling.actions import (
    Action,
    BringUp,
    Decision,
    Settle,
    StartBackfill,
    StartBaseline,
    StartHandover,
    StartLanding,
    StartSession,
    StartVerification,
)
from orchestrator.scheduling.footing import (
    Footing,
    awaited,
    footing,
    is_clashing,
    standing_on,
    unmerged_dependencies,
)
from orchestrator.scheduling.settlement import Standing, settlements
from orchestrator.states import MergeMode, TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import PlanRecord, TaskRecord

TaskKey = tuple[str, str]
"""Plan name and task id."""

InLine = tuple["Task", "TaskRecord"]
"""A task that waits for nothing but its landing."""

BACKLOG = 2
"""As many tasks for each session slot may wait to land by themselves, where the plan sets no bound."""


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
    ``landing`` targets whose queue is at work, ``verify_slots`` how many more verifications may
    start, ``now`` POSIX seconds, ``owed`` landed tasks that were not verified by themselves.
    """

    plans: tuple[PlanSnapshot, ...]
    busy: frozenset[TaskKey]
    baselining: frozenset[str]
    landing: frozenset[str]
    verify_slots: int
    now: float
    owed: frozenset[TaskKey] = frozenset()


def decide(snapshot: Snapshot) -> Decision:
    """The actions that ``snapshot`` calls for.

    ``quiet_plans`` are those in which nothing is in hand, nothing is to be started and no clock
    is running: they go on only when a person does something.
    """
    actions: list[Action] = []
    clocks: list[float] = []
    quiet: set[str] = set()
    slots = snapshot.verify_slots
    lines: set[str] = set()
    for plan in snapshot.plans:
        standing = _standing(plan)
        line = list(_in_line(plan, standing, snapshot))
        if line or _is_landing(plan, standing, snapshot):
            lines.add(plan.record.target)
        mine: list[Action] = list(settlements(plan.plan, plan.tasks, standing))
        gone = {action.task for action in mine if isinstance(action, Settle)}
        mine += _sessions(
            plan, standing, snapshot, gone, is_crowded=_is_crowded(plan, standing, line)
        )
        mine += _bringings_up(plan, standing, snapshot, gone)
        verifications = list(_verifications(plan, standing, snapshot, gone))
        mine += verifications[:slots]
        slots -= len(verifications[:slots])
        mine += _handovers(plan, standing, snapshot)
        waits = list(_clocks(plan, standing, snapshot))
        clocks += waits
        actions += mine
        if not (mine or verifications or waits or line or _in_hand(plan, snapshot)):
            quiet.add(plan.plan.name)
    actions += map(StartLanding, sorted(lines - snapshot.landing))
    if slots and not (lines or snapshot.landing):
        actions += _backfills(snapshot, quiet)
    return Decision(tuple(actions), min(clocks, default=None), frozenset(quiet))


def _backfills(snapshot: Snapshot, quiet: Collection[str]) -> Iterator[StartBackfill]:
    """One at a time, while slots are idle and something else goes on: it is never waited for alone."""
    for plan, task in sorted(snapshot.owed - snapshot.busy)[:1]:
        if plan not in quiet:
            yield StartBackfill(plan, task)


def line_of(snapshot: Snapshot, target: str) -> tuple[InLine, ...]:
    """Everything that is in line for ``target``, in the order in which it lands.

    First what a person takes back, then by priority, then whoever is in line for longest: work that
    landing sent back keeps its place once, and then lets those of its priority go first that were
    not. Stacked work comes behind what it stands on.
    """
    found: list[InLine] = []
    for plan in snapshot.plans:
        if plan.record.target == target:
            found += _in_line(plan, _standing(plan), snapshot)
    plans = {plan.plan.name: plan for plan in snapshot.plans}
    return tuple(_from_below(sorted(found, key=_place_in_line), plans))


def _place_in_line(one: InLine) -> tuple[bool, int, int, float, int, str, str]:
    task, record = one
    since = record.queued_at or record.verified_at
    return (
        not record.revert_requested,
        _turn(task, record)[0],
        max(0, record.sent_back - 1),
        since,
        record.position,
        record.plan,
        record.id,
    )


def _standing(plan: PlanSnapshot) -> Standing:
    """The tasks by their state: one look at all of them, since each step wants only a few."""
    standing: dict[TaskState, list[TaskRecord]] = {state: [] for state in TaskState}
    for record in plan.tasks.values():
        standing[record.state].append(record)
    return standing


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
    ready.sort(key=lambda task: _place_among_ready(task, plan))
    begun = [task for task in ready if plan.tasks[task.id].sessions]
    for task in (begun if is_crowded else ready)[: max(0, free)]:
        yield StartSession(plan.plan.name, task.id)


def _place_among_ready(task: Task, plan: PlanSnapshot) -> tuple[int, ...]:
    """Priority, then the plan's order; what has had its attempts lets the others go first.

    A session that is not counted, or was granted, is no end of a task: without this one that never
    succeeds could keep a slot for itself.
    """
    record = plan.tasks[task.id]
    urgency, position = _turn(task, record)
    return urgency, max(0, record.sessions - plan.plan.budget_of(task).attempts), position


def _is_crowded(plan: PlanSnapshot, standing: Standing, line: Sequence[InLine]) -> bool:
    """Whether so much waits to land that beginning more would only make it stale.

    A branch begun later starts from a later target. Where the plan sets the bound, all that is
    proven counts, whoever it waits for; else what a person holds up hinders no session.
    """
    if plan.plan.backlog is not None:
        proven = len(standing[TaskState.VERIFIED]) + len(standing[TaskState.MERGING])
        return proven >= plan.plan.backlog
    return sum(not record.held for _, record in line) >= BACKLOG * plan.plan.parallel


def is_ready(
    task: Task, plan: PlanSnapshot, *, now: float, busy: frozenset[TaskKey] = frozenset()
) -> bool:
    """Whether a session of ``task`` could start, were a slot free."""
    record = plan.tasks.get(task.id)
    if record is None or record.paused or (plan.plan.name, task.id) in busy:
        return False
    if record.state is TaskState.RETRY_QUEUED:
        return record.retry_at <= now and not _waits_for_ground(task, record, plan)
    return (
        record.state is TaskState.PENDING
        and not awaited(task, plan.tasks)
        and footing(plan.plan, record, plan.tasks) is not Footing.SHAKY
    )


def _waits_for_ground(task: Task, record: TaskRecord, plan: PlanSnapshot) -> bool:
    """Whether a stacked task has nothing to be worked on: its ground conflicts, or is in work."""
    if not record.stacked_on:
        return False
    tasks = plan.tasks
    if not record.base and (awaited(task, tasks) or is_clashing(task, record, tasks)):
        return True
    return footing(plan.plan, record, tasks) is Footing.SHAKY


def _bringings_up(
    plan: PlanSnapshot, standing: Standing, snapshot: Snapshot, gone: set[str]
) -> Iterator[BringUp]:
    """Work that is done, on ground that is another by now; the next session brings up its own."""
    for record in chain(standing[TaskState.VERIFYING], standing[TaskState.VERIFIED]):
        is_free = (record.plan, record.id) not in snapshot.busy and record.retry_at <= snapshot.now
        if is_free and record.id not in gone and _footing(plan, record) is Footing.MOVED:
            yield BringUp(record.plan, record.id)


def _verifications(
    plan: PlanSnapshot, standing: Standing, snapshot: Snapshot, gone: set[str]
) -> Iterator[StartVerification]:
    """What stands on ground that is in work would have to be verified again, and waits."""
    waiting = (
        record
        for record in standing[TaskState.VERIFYING]
        if (record.plan, record.id) not in snapshot.busy
        and record.retry_at <= snapshot.now
        and record.id not in gone
        and _footing(plan, record) is Footing.FIRM
    )
    for record in sorted(waiting, key=lambda record: record.changed_at):
        yield StartVerification(record.plan, record.id)


def _is_landing(plan: PlanSnapshot, standing: Standing, snapshot: Snapshot) -> bool:
    """Whether a task stands as if it were landing though no queue works: one must look."""
    return plan.record.target not in snapshot.landing and any(
        (record.plan, record.id) not in snapshot.busy for record in standing[TaskState.MERGING]
    )


def _turn(task: Task, record: TaskRecord) -> tuple[int, int]:
    """Whose turn it is: the plan's priority with what a person added, then the plan's order."""
    return -(task.priority + record.rank), record.position


def _footing(plan: PlanSnapshot, record: TaskRecord) -> Footing:
    if not record.stacked_on:
        return Footing.FIRM
    return footing(plan.plan, record, plan.tasks)


def _in_line(plan: PlanSnapshot, standing: Standing, snapshot: Snapshot) -> Iterator[InLine]:
    """What could land now, or be taken back; what is to be handed over never lands here."""
    if plan.record.landing_paused:
        return
    ready = (*standing[TaskState.VERIFIED], *standing[TaskState.MERGING])
    if plan.record.merge == MergeMode.PR:
        ready = ()
    landing = (r for r in ready if _is_landable(plan.plan.task(r.id), r, plan))
    found = [
        (plan.plan.task(record.id), record)
        for record in chain(landing, filter(_is_revertible, standing[TaskState.MERGED]))
        if _is_due(record, snapshot)
    ]
    yield from _from_below(found, {plan.plan.name: plan})


def _from_below(line: Iterable[InLine], plans: Mapping[str, PlanSnapshot]) -> Iterator[InLine]:
    """The same in the same order, but stacked work behind what it stands on.

    What is to land in front of it and is not in line itself keeps it out.
    """
    placed: set[TaskKey] = set()
    above: dict[TaskKey, list[InLine]] = {}
    for one in line:
        waiting = deque([one])
        while waiting:
            task, record = waiting.popleft()
            key = (record.plan, record.id)
            missing = next((k for k in ahead_of(record, plans) if k not in placed), None)
            if missing is not None:
                above.setdefault(missing, []).append((task, record))
                continue
            placed.add(key)
            yield task, record
            waiting.extend(above.pop(key, ()))


def ahead_of(record: TaskRecord, plans: Mapping[str, PlanSnapshot]) -> tuple[TaskKey, ...]:
    """What is to land in front of a stacked task, since it holds that; of all others, nothing."""
    if not record.stacked_on or record.state is TaskState.MERGED:
        return ()
    plan = plans[record.plan]
    return tuple((record.plan, name) for name in standing_on(plan.plan, record, plan.tasks))


def _handovers(
    plan: PlanSnapshot, standing: Standing, snapshot: Snapshot
) -> Iterator[StartHandover]:
    """What is proven and to be handed over, or was and is to be looked after now."""
    if plan.record.merge != MergeMode.PR or plan.record.landing_paused:
        return
    for record in standing[TaskState.VERIFIED]:
        task = plan.plan.task(record.id)
        is_next = _is_landable(task, record, plan) and not unmerged_dependencies(task, plan.tasks)
        if is_next and _is_due(record, snapshot):
            yield StartHandover(record.plan, record.id)
    for record in standing[TaskState.NEEDS_INPUT]:  # a person may have merged it over there
        if record.pull_request and _is_due(record, snapshot):
            yield StartHandover(record.plan, record.id)


def _is_due(record: TaskRecord, snapshot: Snapshot) -> bool:
    return record.retry_at <= snapshot.now and (record.plan, record.id) not in snapshot.busy


def _is_landable(task: Task, record: TaskRecord, plan: PlanSnapshot) -> bool:
    by_itself = plan.record.merge != MergeMode.MANUAL and not (plan.record.paused or record.paused)
    return (
        (record.merge_requested or by_itself)
        and not record.withdrawn
        and record.verified_head == record.head
        and approved(task, record)
        and (task.tests_first is None or bool(record.tests_head))
        and _will_have_landed(task, record, plan)
    )


def _is_revertible(record: TaskRecord) -> bool:
    return record.revert_requested and not record.reverted_commit


def _will_have_landed(task: Task, record: TaskRecord, plan: PlanSnapshot) -> bool:
    """Whether all that a task needs is on the target, or may land in front of it as it stands on it."""
    if footing(plan.plan, record, plan.tasks) is not Footing.FIRM:
        return False
    ahead = standing_on(plan.plan, record, plan.tasks)
    return all(name in ahead for name in unmerged_dependencies(task, plan.tasks))


def _clocks(plan: PlanSnapshot, standing: Standing, snapshot: Snapshot) -> Iterable[float]:
    """Times at which a waiting task becomes due; what waits for a person has no clock."""
    landing = (record for record in standing[TaskState.VERIFIED] if not record.held)
    for record in chain(standing[TaskState.RETRY_QUEUED], standing[TaskState.VERIFYING], landing):
        if record.retry_at > snapshot.now and not (plan.record.paused or record.paused):
            yield record.retry_at


def _in_hand(plan: PlanSnapshot, snapshot: Snapshot) -> bool:
    name = plan.plan.name
    if name in snapshot.baselining or plan.record.target in snapshot.landing:
        return True
    return any(key[0] == name for key in snapshot.busy)

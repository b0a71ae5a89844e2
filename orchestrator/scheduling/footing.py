"""What a task stands on that was begun before its dependencies had landed.

Such a task is stacked: its branch starts from the target joined with the proven heads of what it
needs, and those heads are on record. All else follows from them and from where the dependencies
are now: whether it may begin, whether it still stands, and behind what it may land. Pure; what it
must never call firm is ground that nobody proved, or that has become another since.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.states import Strategy, TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import TaskRecord

    Tasks = Mapping[str, TaskRecord]

LOST = frozenset({TaskState.FAILED, TaskState.CANCELLED})
"""Where a dependency is of which nothing will land."""

_GOES_ON = frozenset({TaskState.RETRY_QUEUED, TaskState.VERIFYING})
_PROVEN = frozenset({TaskState.VERIFIED, TaskState.MERGING})


class Footing(StrEnum):
    """How a task stands.

    *Firm*: on nothing but the target, or on heads that are proven or have landed. *Moved*: they are
    others by now, so that it has to be brought up to them. *Shaky*: one is being worked on.
    """

    FIRM = "firm"
    MOVED = "moved"
    SHAKY = "shaky"


def words_of(dependencies: Iterable[TaskRecord]) -> str:
    """``task@head`` for each, as a record's ``stacked_on`` has it."""
    return " ".join(f"{record.id}@{record.head}" for record in dependencies)


def stood_on(record: TaskRecord) -> dict[str, str]:
    """The dependencies on record with the heads the task was begun on."""
    pairs = (word.partition("@") for word in record.stacked_on.split())
    return {name: head for name, _, head in pairs}


def unmerged_dependencies(task: Task, tasks: Tasks) -> tuple[str, ...]:
    """The dependencies of ``task`` that have not landed; a dropped one does not hold it up."""
    return tuple(name for name in task.after if name in tasks and not has_landed(tasks[name]))


def has_landed(record: TaskRecord) -> bool:
    """Whether the target holds the task: it landed, and was not taken back since."""
    return record.state is TaskState.MERGED and not record.reverted_commit


def awaited(task: Task, tasks: Tasks) -> tuple[str, ...]:
    """The dependencies without which ``task`` cannot begin: for a stack, those not proven yet."""
    unmerged = unmerged_dependencies(task, tasks)
    if not task.stack:
        return unmerged
    return tuple(name for name in unmerged if not _stands(task.id, tasks[name], tasks))


def held_up_by(task: Task, record: TaskRecord, tasks: Tasks) -> tuple[str, ...]:
    """The dependencies that a task waits for now: to begin, or, stacked, to go on."""
    waits = record.state is TaskState.PENDING
    waits = waits or (bool(record.stacked_on) and record.state in _GOES_ON)
    return awaited(task, tasks) if waits else ()


def ground_words(task: Task, tasks: Tasks) -> str:
    """What ``task`` would be begun on now, beside the target; "" for nothing."""
    if not task.stack:
        return ""
    return words_of(tasks[name] for name in unmerged_dependencies(task, tasks))


def is_clashing(task: Task, record: TaskRecord, tasks: Tasks) -> bool:
    """Whether what ``task`` would be begun on was found to conflict, and is still the same."""
    tried = "" if record.base else record.stacked_on
    return bool(tried) and tried == ground_words(task, tasks)


def footing(plan: Plan, record: TaskRecord, tasks: Tasks) -> Footing:
    """How a task's branch stands; firm where it has none.

    Where landing makes other commits of a task's own, what it stood on moves as it lands.
    """
    if not record.stacked_on or not record.base:
        return Footing.FIRM
    task, moved = plan.task(record.id), False
    for name, head in stood_on(record).items():
        found = tasks.get(name)
        if found is None or name not in task.after:
            moved = True  # the plan was edited, and it needs that no more
        elif has_landed(found):
            elsewhere = bool(found.pull_request)  # whose host makes of it what it likes
            is_other = elsewhere or found.head != head or plan.strategy is not Strategy.MERGE
            moved = moved or is_other
        elif not _stands(task.id, found, tasks):
            return Footing.SHAKY
        else:
            moved = moved or found.head != head
    return Footing.MOVED if moved else Footing.FIRM


def lost_ground(task: Task, record: TaskRecord, lost: Collection[str]) -> str | None:
    """The first of ``lost`` without which the task cannot go on; None when there is none."""
    leaning = task.after if record.state is TaskState.PENDING else stood_on(record)
    return next((name for name in leaning if name in lost and name in task.after), None)


def standing_on(plan: Plan, record: TaskRecord, tasks: Tasks) -> tuple[str, ...]:
    """The dependencies that a task stands on firmly and that will land before it."""
    if not record.base or footing(plan, record, tasks) is not Footing.FIRM:
        return ()
    stood, task = stood_on(record), plan.task(record.id)
    return tuple(name for name in unmerged_dependencies(task, tasks) if name in stood)


def _stands(upper: str, record: TaskRecord, tasks: Tasks) -> bool:
    """Whether a dependency is proven as it is, and so is all that it was itself begun on.

    One level down: what lies deeper is brought up from below, level by level. ``upper`` is never
    its own ground, whatever an edited plan says.
    """
    return _is_proven(record) and all(
        name != upper
        and name in tasks
        and tasks[name].head == head
        and (has_landed(tasks[name]) or _is_proven(tasks[name]))
        for name, head in stood_on(record).items()
    )


def _is_proven(record: TaskRecord) -> bool:
    return record.state in _PROVEN and bool(record.head) and record.verified_head == record.head

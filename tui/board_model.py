"""What the board shows: the engine's status folded into rows, in an order, through a filter.

Pure. It reads views and makes values; it never asks the engine and knows no widget. Formatting
waits until a row is painted, so that folding 500 tasks costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.states import TaskState
from tui.groups import Group, attention, group_of
from tui.marks import LEGEND, Mark, task_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.api.models import PlanView, StatusView, TaskView

Key = tuple[str, str]
"""Which task: its plan's name and its id."""


class Order(StrEnum):
    """How plans, and the tasks of a plan, follow one another."""

    ATTENTION = "what needs you first"
    PLAN = "as in the plan"


@dataclass(frozen=True, slots=True)
class Sieve:
    """What is shown: tasks that match all ``words``, of one group, of one plan; empty is all."""

    words: str = ""
    group: Group | None = None
    plan: str = ""

    def __bool__(self) -> bool:
        return bool(self.words.strip() or self.group or self.plan)

    def passes(self, task: TaskView) -> bool:
        if self.plan and task.plan != self.plan:
            return False
        if self.group and group_of(task) is not self.group:
            return False
        return matches(task, self.words)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """The heading above a plan's tasks; ``shown`` of ``plan.tasks`` pass the filter."""

    plan: PlanView
    shown: int


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task."""

    task: TaskView

    @property
    def key(self) -> Key:
        return self.task.plan, self.task.id


Row = PlanRow | TaskRow


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over plans.

    ``marks`` counts tasks by mark, in the order of the legend, ``groups`` by group, what needs a
    person first.
    ``started_at`` and ``ended_at`` are POSIX seconds; ``ended_at`` is 0 while any plan goes on.
    """

    tasks: int
    merged: int
    marks: tuple[tuple[Mark, int], ...]
    groups: tuple[tuple[Group, int], ...]
    tokens: int
    cost_usd: float
    started_at: float
    ended_at: float


_EVERYTHING = Sieve()


def fold(
    status: StatusView, sieve: Sieve = _EVERYTHING, *, order: Order = Order.PLAN
) -> tuple[Row, ...]:
    """The rows of the board: each plan's heading, then those of its tasks that pass the sieve.

    A plan of which nothing passes is left out, unless everything does.
    """
    parts = [_part(plan, sieve, order) for plan in status.plans]
    if order is Order.ATTENTION:
        parts.sort(key=_urgency)
    rows: list[Row] = []
    for plan, tasks in parts:
        if tasks or not sieve:
            rows.append(PlanRow(plan, len(tasks)))
            rows.extend(map(TaskRow, tasks))
    return tuple(rows)


def _part(plan: PlanView, sieve: Sieve, order: Order) -> tuple[PlanView, list[TaskView]]:
    """A plan with those of its tasks that are shown, in their order."""
    tasks = [task for task in plan.tasks if sieve.passes(task)] if sieve else list(plan.tasks)
    if order is Order.ATTENTION:
        tasks.sort(key=lambda task: (attention(task), -(task.priority + task.rank)))
    return plan, tasks


def _urgency(part: tuple[PlanView, list[TaskView]]) -> int:
    tasks = part[1]
    return attention(tasks[0]) if tasks else _LEAST_URGENT


_LEAST_URGENT = 100


def matches(task: TaskView, words: str) -> bool:
    """Whether every word stands somewhere in the task's plan, id, title, state, agent or reason."""
    wanted = words.casefold().split()
    if not wanted:
        return True
    fields = (task.plan, task.id, task.title, task_mark(task).word, task.agent, task.reason)
    text = "\n".join(fields).casefold()
    return all(word in text for word in wanted)


def tally(plans: Sequence[PlanView]) -> Tally:
    """The sums shown at the head of the board."""
    tasks = [task for plan in plans for task in plan.tasks]
    started = [plan.started_at for plan in plans if plan.started_at]
    going_on = any(not plan.settled for plan in plans)
    return Tally(
        tasks=len(tasks),
        merged=sum(has_landed(task) for task in tasks),
        marks=_count_marks(tasks),
        groups=_count_groups(tasks),
        tokens=sum(task.usage.tokens for task in tasks),
        cost_usd=sum(task.usage.cost_usd for task in tasks),
        started_at=min(started, default=0.0),
        ended_at=0.0 if going_on else max((plan.settled_at for plan in plans), default=0.0),
    )


def find_task(status: StatusView | None, key: Key | None) -> TaskView | None:
    """The task as the engine last told it, or None when it is gone."""
    plan = find_plan(status, key[0]) if key else None
    if plan is None or key is None:
        return None
    return next((task for task in plan.tasks if task.id == key[1]), None)


def find_plan(status: StatusView | None, name: str) -> PlanView | None:
    """The plan of that name, or None when it is gone."""
    return next((plan for plan in status.plans if plan.name == name), None) if status else None


def merge_ready(status: StatusView | None) -> tuple[TaskView, ...]:
    """Every task that could land now and was not told to yet."""
    plans = status.plans if status else ()
    return tuple(
        task
        for plan in plans
        for task in plan.tasks
        if task.merge_ready and not task.merge_requested
    )


def has_landed(task: TaskView) -> bool:
    """Whether the target holds it: it landed, and was not taken back since."""
    return task.state is TaskState.MERGED and not task.reverted_commit


def _count_marks(tasks: Iterable[TaskView]) -> tuple[tuple[Mark, int], ...]:
    counts = dict.fromkeys(LEGEND, 0)
    for task in tasks:
        counts[task_mark(task)] += 1
    return tuple((mark, count) for mark, count in counts.items() if count)


def _count_groups(tasks: Iterable[TaskView]) -> tuple[tuple[Group, int], ...]:
    counts = dict.fromkeys(Group, 0)
    for task in tasks:
        counts[group_of(task)] += 1
    return tuple((group, count) for group, count in counts.items() if count)

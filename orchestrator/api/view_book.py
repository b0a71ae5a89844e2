"""The tasks' views, made anew only where something differs, and since when each stands as it does.

A large board is asked for several times a second while a few tasks move. A view is kept with the
facts it was made of, and is the same object until one of them changes; so who asks again is told
only what did. A revision counts what was seen to change; it means nothing to another engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.api.views import is_behind_by, task_view
from orchestrator.scheduling.decision import is_ready
from orchestrator.scheduling.footing import held_up_by, standing_on, unmerged_dependencies
from orchestrator.states import Outcome, TaskState

if TYPE_CHECKING:
    from orchestrator.api.models import TaskView
    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord
    from orchestrator.scheduling.activity import TaskActivity
    from orchestrator.scheduling.decision import PlanSnapshot, TaskKey
    from orchestrator.site import Records


class ViewBook:
    """Views by task, for one reader."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._made: dict[TaskKey, tuple[tuple[Any, ...], TaskView]] = {}
        self._changed_at: dict[TaskKey, int] = {}
        self._order: tuple[TaskKey, ...] = ()
        self._ordered_at = 0
        self.revision = 0

    def view(self, task: Task, record: TaskRecord, snapshot: PlanSnapshot, now: float) -> TaskView:
        """The view of a task, the one made before if it still holds."""
        key = record.plan, record.id
        path = self._records.worktree_path(*key)
        worktree = str(path) if path.is_dir() else ""
        asks = record.state is TaskState.NEEDS_INPUT and self._asked(key)
        clashes = self._records.outlook.clashes_of(*key)
        live = _live(self._records.activity.of(*key))
        of_others = (
            is_ready(task, snapshot, now=now),
            unmerged_dependencies(task, snapshot.tasks),
            standing_on(snapshot.plan, record, snapshot.tasks),
            held_up_by(task, record, snapshot.tasks),
            clashes,
            is_behind_by(self._records.activity.behind.get(snapshot.record.target, ()), record),
        )
        facts = (record, snapshot.plan, snapshot.record, worktree, asks, of_others, live)
        made = self._made.get(key)
        if made is not None and made[0] == facts:
            return made[1]
        view = task_view(
            task,
            record,
            snapshot,
            self._records.activity,
            now=now,
            worktree=worktree,
            asks=asks,
            clashes=clashes,
        )
        self._made[key] = facts, view
        if made is None or made[1] != view:
            self._changed_at[key] = self.revision + 1
        return view

    def seal(self, order: tuple[TaskKey, ...]) -> None:
        """All tasks have been looked at, in this order: what changed since is of one revision."""
        if order != self._order:
            self._order = order
            self._ordered_at = self.revision + 1
            self._made = {key: self._made[key] for key in order}
            self._changed_at = {key: self._changed_at[key] for key in order}
        newest = max(self._changed_at.values(), default=0)
        self.revision = max(self.revision, newest, self._ordered_at)

    def changed(self, after: int) -> frozenset[TaskKey] | None:
        """The tasks that changed after a revision; None when all must be told."""
        if not self._ordered_at <= after <= self.revision:
            return None
        return frozenset(key for key, at in self._changed_at.items() if at > after)

    def _asked(self, key: TaskKey) -> bool:
        """Whether it is an agent's question that a person is needed for."""
        attempts = self._records.store.attempts(*key)
        return bool(attempts) and attempts[-1].outcome is Outcome.ASKED


def _live(activity: TaskActivity) -> tuple[Any, ...]:
    """What an activity is now, apart from what it will be."""
    return (
        activity.line,
        activity.session_started_at,
        activity.usage,
        activity.survey,
        tuple(activity.running_checks),
        tuple(activity.checks.items()),
        tuple(activity.spent.values()),
    )

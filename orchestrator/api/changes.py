"""What changed since somebody asked last, and a status from the one before and that; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.api.models import StatusView, View

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from orchestrator.api.models import PlanView, TaskView

Key = tuple[str, str]


class ChangesView(View):
    """What changed since a revision; ask again with this one.

    Plans hold only the tasks that differ, unless it is the ``whole`` status: the first time, and
    whenever tasks came, went or moved.
    """

    revision: int
    whole: bool
    status: StatusView


def between(status: StatusView, revision: int, changed: Collection[Key] | None) -> ChangesView:
    """What to tell whoever knows all of a status but ``changed``; None: who knows nothing."""
    if changed is None:
        return ChangesView(revision=revision, whole=True, status=status)

    def told(plan: PlanView) -> Iterable[TaskView]:
        return (task for task in plan.tasks if (task.plan, task.id) in changed)

    return ChangesView(revision=revision, whole=False, status=_with_tasks(status, told))


def renewed(before: StatusView | None, changes: ChangesView) -> StatusView:
    """The status now, from the one before; tasks that stayed are the same objects."""
    if changes.whole or before is None:
        return changes.status
    known = {plan.name: plan.tasks for plan in before.plans}

    def told(plan: PlanView) -> Iterable[TaskView]:
        new = {task.id: task for task in plan.tasks}
        return (new.get(task.id, task) for task in known[plan.name])

    return _with_tasks(changes.status, told)


def _with_tasks(
    status: StatusView, tasks_of: Callable[[PlanView], Iterable[TaskView]]
) -> StatusView:
    plans = (plan.model_copy(update={"tasks": tuple(tasks_of(plan))}) for plan in status.plans)
    copy: StatusView = status.model_copy(update={"plans": tuple(plans)})
    return copy

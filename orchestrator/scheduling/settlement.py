"""What a task that is lost takes with it: all that needs it, down the graph, in the same pass. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orchestrator.scheduling.actions import Settle
from orchestrator.scheduling.footing import LOST, lost_ground
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.model import Plan
    from orchestrator.records import TaskRecord

Standing = Mapping[TaskState, Sequence["TaskRecord"]]
"""The tasks of a plan by their state, each in the plan's order."""


def settlements(
    plan: Plan, tasks: Mapping[str, TaskRecord], standing: Standing
) -> Iterator[Settle]:
    """Everything that a failed or cancelled task makes impossible, down the graph, at once."""
    lost = {record.id: f"{record.id!r} failed" for record in standing[TaskState.FAILED]}
    lost |= {record.id: f"{record.id!r} was cancelled" for record in standing[TaskState.CANCELLED]}
    if not lost:
        return
    waiting = [task for task in plan.tasks if _leans(tasks.get(task.id))]
    direct = set(lost)
    found = True
    while found:
        found = False
        for task in waiting:
            cause = lost_ground(task, tasks[task.id], lost)
            if cause is None or task.id in lost:
                continue
            found = True
            lost[task.id] = lost[cause]
            via = "" if cause in direct else f"needs {cause!r}, and "
            yield Settle(plan.name, task.id, cause, f"{via}{lost[cause]}")


def _leans(record: TaskRecord | None) -> bool:
    """Whether a task would be lost with what it needs: it waits for that, or stands on it."""
    if record is None or record.state in {TaskState.MERGING, TaskState.MERGED, *LOST}:
        return False
    return record.state is TaskState.PENDING or bool(record.stacked_on)

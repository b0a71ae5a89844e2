"""Which tasks that have landed need one that is to be taken back; pure, for whoever asks a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.states import TaskState

if TYPE_CHECKING:
    from orchestrator.api.models import PlanView


def landed_dependants(plan: PlanView, task: str) -> tuple[str, ...]:
    """Those on the target that come after ``task``, be it by way of others, in the plan's order."""
    needing, found = {task}, True
    while found:
        more = {each.id for each in plan.tasks if needing.intersection(each.after)}
        found = not more <= needing
        needing |= more
    return tuple(
        each.id
        for each in plan.tasks
        if each.id in needing - {task}
        and each.state is TaskState.MERGED
        and not each.reverted_commit
    )

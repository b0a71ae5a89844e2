"""What an order could be about at this moment, and which make sense.

Pure: the site and a selected task in, answers out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.api.dependants import landed_dependants
from orchestrator.states import SETTLED, MergeMode, Need, TaskState
from tui.board_model import find_plan, find_task, merge_ready

if TYPE_CHECKING:
    from orchestrator.api.models import PlanView, TaskView
    from tui.board_model import Key
    from tui.site import Site


@dataclass(frozen=True, slots=True)
class Scene:
    """What an order could be about: the selected task, its plan, all that could land.

    ``dependants`` are the tasks that come after the selected one and are not settled.
    """

    live: bool
    task: TaskView | None
    plan: PlanView | None
    ready: tuple[TaskView, ...]

    @property
    def dependants(self) -> tuple[str, ...]:
        if self.task is None or self.plan is None:
            return ()
        wanted = self.task.id
        return tuple(
            task.id
            for task in self.plan.tasks
            if wanted in task.after and task.state not in SETTLED
        )

    @property
    def waits_for_leave(self) -> tuple[TaskView, ...]:
        """The tasks of the plan that wait for leave to bring a checkout of the target along."""
        tasks = self.plan.tasks if self.plan else ()
        return tuple(task for task in tasks if task.need is Need.LEAVE)

    @property
    def landed_on_top(self) -> tuple[str, ...]:
        """What has landed and needs the selected task, be it by way of others."""
        if self.task is None or self.plan is None:
            return ()
        return landed_dependants(self.plan, self.task.id)

    @property
    def target(self) -> str:
        return self.plan.target if self.plan else "the target"


def scene(site: Site, key: Key | None) -> Scene:
    """The scene with this task selected."""
    return Scene(
        live=site.live,
        task=find_task(site.status, key),
        plan=find_plan(site.status, key[0]) if key else None,
        ready=merge_ready(site.status),
    )


_RETRIED = frozenset({TaskState.FAILED, TaskState.CANCELLED, TaskState.NEEDS_INPUT})


def can_merge(scene: Scene) -> bool:
    return bool(scene.task and scene.task.merge_ready and not scene.task.merge_requested)


def can_merge_all(scene: Scene) -> bool:
    return bool(scene.ready)


def can_retry(scene: Scene) -> bool:
    return bool(scene.task and scene.task.state in _RETRIED)


def can_be_changed(scene: Scene) -> bool:
    """Whether there is proven work to send back, or tests that wait to be approved."""
    task = scene.task
    return bool(task and (task.state is TaskState.VERIFIED or task.need is Need.APPROVE))


def needs_leave(scene: Scene) -> bool:
    return bool(scene.task and scene.task.need is Need.LEAVE)


def goes_on(scene: Scene) -> bool:
    return bool(scene.task and scene.task.state not in SETTLED)


def can_approve(scene: Scene) -> bool:
    task = scene.task
    return bool(task and task.approve and not task.approved and task.state not in SETTLED)


def needs_answer(scene: Scene) -> bool:
    return bool(scene.task and scene.task.asks)


def plan_goes_on(scene: Scene) -> bool:
    return bool(scene.plan and (scene.plan.paused or not scene.plan.settled))


def is_in_line(scene: Scene) -> bool:
    """Whether the task waits to land, or was taken out of that line."""
    task = scene.task
    if task is None or task.state in SETTLED:
        return False
    by_itself = scene.plan is not None and scene.plan.merge is MergeMode.AUTO
    proven = task.state in {TaskState.VERIFIED, TaskState.MERGING}
    return task.withdrawn or (proven and (task.merge_requested or by_itself))


def has_landed(scene: Scene) -> bool:
    """Whether it stands on the target, and nobody is taking it back."""
    task = scene.task
    taken_back = task is not None and (task.revert_requested or task.reverted_commit)
    return task is not None and task.state is TaskState.MERGED and not taken_back


def has_worktree(scene: Scene) -> bool:
    return bool(scene.task and scene.task.worktree)


def has_branch(scene: Scene) -> bool:
    return bool(scene.task and scene.task.branch)

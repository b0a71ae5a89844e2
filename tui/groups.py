"""The few groups in which a person counts tasks: what needs me, what is ready, what is in work.

Each task is in exactly one. The summary counts them, the filter by state shows one of them, and
what needs a person comes first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.states import Need, TaskState
from tui.ink import Ink
from tui.marks import BY_STATE, MERGE_READY, QUEUED, REVERTED, TO_LAND, Mark

if TYPE_CHECKING:
    from orchestrator.api.models import TaskView


class Group(StrEnum):
    """A group, by its word."""

    NEEDS_YOU = "needs you"
    READY = "ready"
    RUNNING = "running"
    VERIFYING = "verifying"
    LANDING = "landing"
    WAITING = "waiting"
    LANDED = "landed"
    CANCELLED = "cancelled"
    REVERTED = "reverted"


MARKS: dict[Group, Mark] = {
    Group.NEEDS_YOU: Mark("?", Group.NEEDS_YOU, Ink.NEEDS_PERSON),
    Group.READY: Mark(MERGE_READY.sign, Group.READY, Ink.MERGE_READY),
    Group.RUNNING: BY_STATE[TaskState.RUNNING],
    Group.VERIFYING: BY_STATE[TaskState.VERIFYING],
    Group.LANDING: Mark(TO_LAND.sign, Group.LANDING, Ink.LANDING),
    Group.WAITING: Mark(QUEUED.sign, Group.WAITING, Ink.WAITING),
    Group.LANDED: Mark(BY_STATE[TaskState.MERGED].sign, Group.LANDED, Ink.MERGED),
    Group.CANCELLED: BY_STATE[TaskState.CANCELLED],
    Group.REVERTED: REVERTED,
}


def counted(group: Group, count: int) -> str:
    """The group's word after a number."""
    return "need you" if group is Group.NEEDS_YOU and count > 1 else group.value


_BY_STATE = {
    TaskState.NEEDS_INPUT: Group.NEEDS_YOU,
    TaskState.FAILED: Group.NEEDS_YOU,
    TaskState.RUNNING: Group.RUNNING,
    TaskState.VERIFYING: Group.VERIFYING,
    TaskState.MERGING: Group.LANDING,
    TaskState.MERGED: Group.LANDED,
    TaskState.CANCELLED: Group.CANCELLED,
}


def group_of(task: TaskView) -> Group:
    """The one group a task is in."""
    if task.need is not None:
        return Group.READY if task.need is Need.MERGE else Group.NEEDS_YOU
    if task.state is TaskState.VERIFIED:
        return _of_verified(task)
    if task.state is TaskState.MERGED and (task.reverted_commit or task.revert_requested):
        return Group.REVERTED if task.reverted_commit else Group.LANDING
    return _BY_STATE.get(task.state, Group.WAITING)


def _of_verified(task: TaskView) -> Group:
    if task.merge_requested and not task.withdrawn:
        return Group.LANDING
    return Group.READY if task.merge_ready else Group.WAITING


_URGENCY = {Need.ANSWER: 0, Need.LEAVE: 0, Need.LOOK: 1, Need.APPROVE: 2, Need.MEND: 3}
_IN_WORK = {
    TaskState.NEEDS_INPUT: 1,
    TaskState.FAILED: 3,
    TaskState.VERIFIED: 5,
    TaskState.MERGING: 6,
    TaskState.VERIFYING: 7,
    TaskState.RUNNING: 8,
    TaskState.RETRY_QUEUED: 9,
    TaskState.PENDING: 10,
    TaskState.CANCELLED: 12,
    TaskState.MERGED: 13,
}
_READY, _STILL_WAITING = 4, 11


def attention(task: TaskView) -> int:
    """How soon a person should look at a task: the lower, the sooner."""
    if task.need in _URGENCY:
        return _URGENCY[task.need]
    if task.state is TaskState.VERIFIED and task.merge_ready and not task.merge_requested:
        return _READY
    if task.state is TaskState.PENDING and not task.ready:
        return _STILL_WAITING
    return _IN_WORK[task.state]

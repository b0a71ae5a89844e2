"""How long until everything in line has landed: an estimate, or that nobody can tell yet.

Pure. It reckons as the queue works: one candidate at a time, as many as there are slots, or the
longest prefix at once; red ones are tried again. Queues of different targets drain side by side.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from orchestrator.states import MergeMode, QueueMode, TaskState

if TYPE_CHECKING:
    from orchestrator.api.models import PlanView, QueueView, StatusView, TaskView

_HELD = "held"
_WORST_RATE = 0.9
"""Beyond that every second candidate is red twice over, and no estimate means anything."""


def seconds_to_drain(status: StatusView) -> float | None:
    """Seconds until the line is empty; 0 when it is, None when nobody can tell yet."""
    lines = [_of_queue(queue) for queue in status.queues] or [_unqueued(status)]
    rounds = max(lines)
    if rounds and not status.candidate_seconds:
        return None
    return rounds * status.candidate_seconds


def is_held(status: StatusView) -> bool:
    """Whether anything in line waits for a person."""
    return any(entry.standing == _HELD for queue in status.queues for entry in queue.entries)


def _of_queue(queue: QueueView) -> float:
    waiting = sum(entry.standing != _HELD for entry in queue.entries)
    return rounds_of(waiting, queue.slots, queue.mode, queue.failure_rate)


def rounds_of(waiting: int, slots: int, mode: QueueMode, failure_rate: float = 0.0) -> float:
    """How many candidates, one after the other, stand between now and an empty line."""
    if not waiting:
        return 0.0
    red = min(max(failure_rate, 0.0), _WORST_RATE)
    slots = 1 if mode is QueueMode.SERIAL else max(1, slots)
    one_by_one = mode is not QueueMode.TIP and (mode is not QueueMode.AUTO or waiting <= slots)
    if one_by_one:
        return math.ceil(waiting / slots) / (1 - red)
    searches = (1 - (1 - red) ** waiting) * math.log2(waiting + 1) / math.log2(slots + 1)
    return 1 + searches


def _unqueued(status: StatusView) -> float:
    """For an engine that tells of no queue: it lands one after the other."""
    waiting = sum(_in_line(plan, task) for plan in status.plans for task in plan.tasks)
    return rounds_of(waiting, 1, QueueMode.SERIAL)


def _in_line(plan: PlanView, task: TaskView) -> bool:
    if task.state is TaskState.MERGING:
        return True
    asked = task.merge_requested or plan.merge is MergeMode.AUTO
    return task.state is TaskState.VERIFIED and asked and not (task.held or task.withdrawn)

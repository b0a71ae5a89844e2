"""How the queue of a target works: how much it verifies, and how far it may run ahead.

Several plans may land on one target: the most careful of them has its way. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.states import QueueMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.plan.model import Check, Plan
    from orchestrator.records import TaskRecord

_CAREFUL_FIRST = (QueueMode.SERIAL, QueueMode.STRICT, QueueMode.AUTO, QueueMode.TIP)


@dataclass(frozen=True, slots=True)
class QueueCourse:
    """The mode asked for, and how many candidates are verified at once."""

    mode: QueueMode
    slots: int


def course_of(plans: Sequence[Plan], verify_slots: int) -> QueueCourse:
    """What ``plans`` come to with so many verify slots; more at once than fit are only slower."""
    asked = {plan.queue.mode for plan in plans}
    mode = next((mode for mode in _CAREFUL_FIRST if mode in asked), QueueMode.AUTO)
    widest = max((_width(plan.checks.values()) for plan in plans), default=1)
    named = [plan.queue.slots for plan in plans if plan.queue.slots]
    return QueueCourse(mode, min(named, default=max(1, verify_slots // widest)))


def outcomes(tasks: Iterable[TaskRecord]) -> tuple[int, int]:
    """How often landing went well so far, and how often it sent work back."""
    landed = sent_back = 0
    for task in tasks:
        landed += bool(task.merged_commit)
        sent_back += task.sent_back
    return landed, sent_back


def _width(checks: Iterable[Check]) -> int:
    """The verify slots that one verification wants at most at a time."""
    return max((check.weight for check in checks), default=1)

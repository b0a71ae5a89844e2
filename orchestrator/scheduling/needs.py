"""What a person is needed for, told from the facts; pure, and never stored.

One place decides it, so that the board, its order, the bell and the webhook mean the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.readiness import GateName
from orchestrator.states import Need, TaskState

if TYPE_CHECKING:
    from orchestrator.readiness import Readiness, Survey
    from orchestrator.records import TaskRecord


_NOBODYS = frozenset({GateName.VERIFIED, GateName.DEPENDENCIES})
"""Gates that work opens, not people."""


def need_of(
    record: TaskRecord,
    gates: Readiness,
    survey: Survey | None,
    *,
    asks: bool,
    asks_approval: bool,
    lands_by_itself: bool,
) -> Need | None:
    """What the task waits for a person to do; None where it goes on, or is done with, by itself."""
    if record.state is TaskState.FAILED:
        return Need.MEND
    if record.state is TaskState.NEEDS_INPUT:
        return Need.ANSWER if asks else Need.APPROVE if asks_approval else Need.LOOK
    if record.state is not TaskState.VERIFIED:
        return None
    needed = _to_land(record, gates, survey)
    goes_on = lands_by_itself and not record.held and gates.first_obstacle is None
    return None if goes_on else needed


def _to_land(record: TaskRecord, gates: Readiness, survey: Survey | None) -> Need | None:
    """What a verified task needs to land, were nobody but a person to see to it."""
    if record.held:
        return Need.LOOK
    if survey is None or survey.head != record.head:
        return None
    obstacle = gates.first_obstacle
    if obstacle is not None:
        return _need_at(obstacle.name)
    if record.merge_requested or record.withdrawn or survey.conflicts is None:
        return None
    return Need.MERGE if gates.merge_ready else Need.LOOK


def _need_at(closed: GateName) -> Need | None:
    if closed is GateName.APPROVED:
        return Need.APPROVE
    return None if closed in _NOBODYS else Need.LOOK

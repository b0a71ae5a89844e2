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

_LEAVE = (
    ": give leave with --update-checkout (clerk merge --all --update-checkout), "
    "or switch that checkout to another branch"
)


def leave_wanted(target: str, checkout: str) -> str:
    """Why nothing lands on a target that a person has checked out, who gave no leave."""
    return f"{target} is checked out in {checkout}{_LEAVE}"


def need_of(
    record: TaskRecord,
    gates: Readiness,
    survey: Survey | None,
    *,
    asks: bool,
    asks_approval: bool,
    lands_by_itself: bool,
    left_behind: bool = False,
) -> Need | None:
    """What the task waits for a person to do; None where it goes on, or is done with, by itself.

    ``left_behind``: as it landed a checkout of the target stayed behind, which only a person brings up.
    """
    if record.state is TaskState.FAILED:
        return Need.MEND
    if record.state is TaskState.NEEDS_INPUT:
        return Need.ANSWER if asks else Need.APPROVE if asks_approval else Need.LOOK
    if record.state is TaskState.MERGED and record.revert_requested and record.held:
        return _need_of_held(record)
    if record.state is TaskState.MERGED and left_behind:
        return Need.LOOK
    if record.state is not TaskState.VERIFIED:
        return None
    needed = _to_land(record, gates, survey)
    goes_on = lands_by_itself and not record.held and gates.first_obstacle is None
    return None if goes_on else needed


def _to_land(record: TaskRecord, gates: Readiness, survey: Survey | None) -> Need | None:
    """What a verified task needs to land, were nobody but a person to see to it."""
    if record.held:
        return _need_of_held(record)
    if survey is None or survey.head != record.head:
        return None
    obstacle = gates.first_obstacle
    if obstacle is not None:
        return _need_at(obstacle.name)
    if record.merge_requested or record.withdrawn or survey.conflicts is None:
        return None
    return Need.MERGE if gates.merge_ready else Need.LOOK


def _need_of_held(record: TaskRecord) -> Need:
    """What is kept is a sentence, and this room alone writes the one that asks for leave."""
    return Need.LEAVE if record.held.endswith(_LEAVE) else Need.LOOK


def _need_at(closed: GateName) -> Need | None:
    if closed is GateName.APPROVED:
        return Need.APPROVE
    return None if closed in _NOBODYS else Need.LOOK

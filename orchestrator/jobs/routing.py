"""Where a task goes after a session or a verification: the feedback's decision, as a move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.feedback import Again, AskPerson, Stop, Verify, VerifyAgain
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from orchestrator.feedback import Decision
    from orchestrator.ledger import Ledger
    from orchestrator.records import AttemptRecord, TaskRecord


def route(
    ledger: Ledger,
    record: TaskRecord,
    decision: Decision,
    *,
    closed: AttemptRecord | None = None,
    **facts: Any,
) -> None:
    """Move ``record`` as ``decision`` says; ``closed`` is the attempt that ended with it."""
    match decision:
        case Verify():
            facts |= {"verify_errors": 0, "retry_at": 0.0}
            ledger.move(record, TaskState.VERIFYING, closed=closed, **facts)
        case Again(why=why, not_before=not_before, feedback=feedback, resume=resume):
            facts |= {"feedback": feedback, "retry_at": not_before}
            if not resume:
                facts["session_id"] = ""
            ledger.move(record, TaskState.RETRY_QUEUED, reason=why, closed=closed, **facts)
        case Stop(reason=reason):
            ledger.move(record, TaskState.FAILED, reason=reason, closed=closed, **facts)
        case AskPerson(reason=reason):
            ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, closed=closed, **facts)
        case VerifyAgain(not_before=not_before, reason=reason):
            errors = record.verify_errors + 1
            ledger.amend(record, retry_at=not_before, verify_errors=errors, reason=reason)

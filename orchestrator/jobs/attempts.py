"""Attempts as records: how one is opened, and every way in which one is closed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.feedback import is_counted
from orchestrator.records import AttemptRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.results import SessionResult
    from orchestrator.states import Outcome


def opened(
    plan: str, task: str, number: int, *, agent: str, sandbox: str, folder: Path, now: float
) -> AttemptRecord:
    """A session that is about to start, with its files in ``folder``."""
    return AttemptRecord(
        plan=plan,
        task=task,
        number=number,
        agent=agent,
        sandbox=sandbox,
        log=str(folder / "transcript.log"),
        prompt=str(folder / "prompt.md"),
        started_at=now,
    )


def in_hand(attempts: Sequence[AttemptRecord]) -> AttemptRecord | None:
    """The attempt that has not ended, if there is one; it is always the newest."""
    return attempts[-1] if attempts and not attempts[-1].ended_at else None


def closed(
    attempt: AttemptRecord,
    outcome: Outcome,
    reason: str,
    *,
    now: float,
    counted: bool | None = None,
    head: str = "",
) -> AttemptRecord:
    """An attempt that ended; whether it counts follows from the outcome unless told."""
    return replace(
        attempt,
        outcome=outcome,
        reason=reason,
        counted=is_counted(outcome) if counted is None else counted,
        head=head or attempt.head,
        ended_at=now,
    )


def with_result(attempt: AttemptRecord, result: SessionResult) -> AttemptRecord:
    """What the session itself told of how it ended."""
    return replace(
        attempt,
        message=result.message,
        exit_code=result.exit_code,
        usage=result.usage,
        session_id=result.session_id or attempt.session_id,
    )

"""Verifications as they are kept: results to JSON text and back, always with this pair.

And what their checks' runs add to history, and what history tells of the checks of a plan.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from orchestrator.records import CheckRunRecord
from orchestrator.results import CheckResult, Verification
from orchestrator.verification.check_history import NEWEST, History, Past, command_hash

if TYPE_CHECKING:
    from orchestrator.plan.model import Plan
    from orchestrator.records import VerificationRecord
    from orchestrator.store import Store

_RESULTS = TypeAdapter(tuple[CheckResult, ...])


def results_text(verification: Verification) -> str:
    """The results as JSON, for ``VerificationRecord.results``."""
    return _RESULTS.dump_json(verification.results).decode()


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[CheckResult, ...]:
    return _RESULTS.validate_json(text)


def results_from(record: VerificationRecord) -> tuple[CheckResult, ...]:
    """The results that were put on record."""
    return _parsed(record.results) if record.results else ()


def verification_from(record: VerificationRecord) -> Verification:
    """The verification that was put on record."""
    seconds = max(0.0, record.ended_at - record.started_at)
    return Verification(record.commit, record.tree, results_from(record), seconds)


def runs_of(record: VerificationRecord) -> tuple[CheckRunRecord, ...]:
    """What a verification adds to the history of checks: nothing of those that were skipped."""
    return tuple(
        replace(run, plan=record.plan, task=record.task, purpose=record.purpose, at=record.ended_at)
        for run in runs_in(verification_from(record))
    )


def runs_in(verification: Verification) -> tuple[CheckRunRecord, ...]:
    """The runs of a verification that is not on record."""
    return tuple(
        CheckRunRecord(
            plan="",
            task="",
            purpose="",
            check_name=result.check,
            command=command_hash(result.command),
            tree=verification.tree,
            verdict=result.verdict,
            seconds=0.0 if result.cached else result.seconds,
            cached=result.cached,
            runs=result.runs,
            flaky="\n".join(result.flaky_tests),
            overloaded=result.overloaded,
            at=0.0,
        )
        for result in verification.results
        if not result.skipped
    )


def history_of(store: Store, plan: Plan) -> History:
    """What the newest runs tell of the checks of a plan, as their commands are now."""
    return History(
        {
            name: Past(store.check_runs(name, command_hash(check.run), NEWEST))
            for name, check in plan.checks.items()
        }
    )

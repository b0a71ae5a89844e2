"""Verifications as they are kept: results to JSON text and back, always with this pair."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from orchestrator.results import CheckResult, Verification

if TYPE_CHECKING:
    from orchestrator.records import VerificationRecord

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

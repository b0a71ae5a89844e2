"""A verification beside an earlier one, test by test: what is new, what stayed, what is gone.

By identity, and only where both told their tests: what a report counted and did not list may be
anything, so nothing is called new, or gone, on the strength of its silence. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.results import CheckResult, Report, Verification

NO_TESTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """How the failing tests of a check differ from an earlier run's.

    ``new`` is None where the earlier report did not list all its failures, ``gone`` where this one
    did not. Gone is not mended: a test may have been taken away.
    """

    new: frozenset[str] | None
    still: frozenset[str]
    gone: frozenset[str] | None

    @property
    def nothing(self) -> bool:
        """Whether exactly the same tests fail."""
        return self.new == self.gone == NO_TESTS


def failing(result: CheckResult | None) -> frozenset[str]:
    """Identities of the tests that failed in a check, as far as they are listed."""
    if result is None or not result.report.parsed:
        return NO_TESTS
    return frozenset(failure.test for failure in result.report.failures)


def result_of(verification: Verification | None, check: str) -> CheckResult | None:
    """The result of that check, when it really ran to an end there."""
    if verification is None:
        return None
    found = (r for r in verification.results if r.check == check and not r.skipped)
    return next(found, None)


def change_since(result: CheckResult, before: CheckResult | None) -> Change | None:
    """What changed since ``before``; None when either of them told no tests by name."""
    if before is None or not (result.report.parsed and before.report.parsed):
        return None
    now, then = failing(result), failing(before)
    return Change(
        new=now - then if _lists_all(before.report) else None,
        still=now & then,
        gone=then - now if _lists_all(result.report) else None,
    )


def _lists_all(report: Report) -> bool:
    return len(report.failures) >= report.failed + report.errored

"""What several runs of one check on one tree come to together: pure, and it fails closed.

A check that failed may be tried again where the plan asks for it, one that ran out of time on an
overloaded machine is tried again once. Failing and then passing is a verdict of its own: it lands
only where the plan says so of exactly these tests, and a test that nobody can name is in nobody's
quarantine. What could not run, or timed out, is never explained away by a rerun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.plan.model import Quarantine
from orchestrator.results import CheckResult
from orchestrator.states import Verdict
from orchestrator.verification.check_history import NO_PAST, flakes_told

if TYPE_CHECKING:
    from orchestrator.plan.model import Check
    from orchestrator.verification.check_history import Past

NAMED_TESTS = 3

_BEYOND_TESTS = 126
"""Exit codes from here on are a shell's words for what is no matter of tests."""


def judged_by_load(result: CheckResult, overload: str) -> CheckResult:
    """``result`` in the light of what the machine was short of while it ran; nothing of a calm one."""
    if result.verdict is not Verdict.TIMED_OUT or not overload:
        return result
    reason = f"overloaded: {result.reason}, while {overload}"
    return replace(result, verdict=Verdict.ERRORED, overloaded=True, reason=reason)


def wants_calm(runs: Sequence[CheckResult]) -> bool:
    """Whether it is to run once more, alone: the first time that overload spoilt a run."""
    return runs[-1].overloaded and not any(run.overloaded for run in runs[:-1])


def wants_rerun(check: Check, runs: Sequence[CheckResult]) -> bool:
    """Whether a failure is to be tried again."""
    failed = sum(run.verdict is Verdict.FAILED for run in runs)
    return (
        runs[-1].verdict is Verdict.FAILED
        and failed <= check.rerun
        and not _only_quarantined(check, runs[-1])
    )


def taken_together(check: Check, runs: Sequence[CheckResult], past: Past = NO_PAST) -> CheckResult:
    """The result of all ``runs``, the newest last; ``past`` is what is told of flaky tests."""
    last = runs[-1]
    told = replace(
        last,
        seconds=round(sum(run.seconds for run in runs), 3),
        runs=len(runs),
        overloaded=any(run.overloaded for run in runs),
        written=tuple(dict.fromkeys(path for run in runs for path in run.written)),
    )
    if last.verdict is Verdict.PASSED:
        return _passed(check, runs, told, past)
    if last.verdict is Verdict.FAILED and _only_quarantined(check, last):
        tests = _failed_tests(runs)
        why = named(flakes_told(tests, past))
        return _flaky(check, runs, told, tests, f"failed, in quarantine: {why}")
    if last.verdict is Verdict.FAILED:
        return replace(told, flaky_tests=_mended(runs))
    return told


def _passed(
    check: Check, runs: Sequence[CheckResult], told: CheckResult, past: Past
) -> CheckResult:
    failed = [run for run in runs if run.verdict is Verdict.FAILED]
    tests = tuple(dict.fromkeys((*_failed_tests(runs), *told.report.flaky_tests)))
    if failed:
        why = named(flakes_told(tests, past)) or failed[-1].reason
        told = replace(told, log=failed[-1].log)  # where what went wrong can be read
        return _flaky(check, runs, told, tests, f"failed, then passed on the same tree: {why}")
    if told.report.flaky:
        why = named(flakes_told(tests, past)) or f"{told.report.flaky} tests"
        return _flaky(check, runs, told, tests, f"passed only when tried again: {why}")
    return told


def _flaky(
    check: Check,
    runs: Sequence[CheckResult],
    told: CheckResult,
    tests: tuple[str, ...],
    reason: str,
) -> CheckResult:
    policy = check.flaky
    tolerated = policy == "allow"
    if isinstance(policy, Quarantine):
        tolerated = all(_names_all(r) for r in runs if not r.overloaded)
        tolerated = tolerated and _are_within(tests, policy)
    return replace(
        told, verdict=Verdict.FLAKY, flaky_tests=tests, tolerated=tolerated, reason=reason
    )


def _only_quarantined(check: Check, run: CheckResult) -> bool:
    """Whether it went to its end, every failure is of a test in quarantine, and others passed."""
    return (
        isinstance(check.flaky, Quarantine)
        and run.report.passed > 0
        and run.exit_code is not None
        and run.exit_code < _BEYOND_TESTS
        and _names_all(run)
        and _are_within(_failed_tests([run]), check.flaky)
    )


def _names_all(run: CheckResult) -> bool:
    """Whether the report names every test that failed, or passed only when tried again."""
    report = run.report
    if run.verdict is Verdict.FAILED and not report.failures:
        return False
    return (
        report.parsed
        and len(report.failures) == report.failed + report.errored
        and len(report.flaky_tests) == report.flaky
    )


def _are_within(tests: tuple[str, ...], policy: Quarantine) -> bool:
    return bool(tests) and set(tests) <= set(policy.quarantine)


def _failed_tests(runs: Iterable[CheckResult]) -> tuple[str, ...]:
    failed = (run.report.failures for run in runs if run.verdict is Verdict.FAILED)
    return tuple(dict.fromkeys(failure.test for failures in failed for failure in failures))


def _mended(runs: Sequence[CheckResult]) -> tuple[str, ...]:
    """The tests of earlier failures that the last one, which tells of all of its own, does not have."""
    report = runs[-1].report
    if not report.parsed or len(report.failures) < report.failed + report.errored:
        return ()
    still = {failure.test for failure in report.failures}
    return tuple(test for test in _failed_tests(runs[:-1]) if test not in still)


def named(tests: Sequence[str]) -> str:
    """The first few, and how many more."""
    shown = ", ".join(tests[:NAMED_TESTS])
    return f"{shown} and {len(tests) - NAMED_TESTS} more" if len(tests) > NAMED_TESTS else shown

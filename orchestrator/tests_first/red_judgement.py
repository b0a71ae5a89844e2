"""Whether new tests are red for the right reason: a pure judgement, and it fails closed.

Red means that tests ran and said no, where the same check without them had nothing to say. Tests
that pass without the work prove nothing; tests that cannot run prove no more. Where a report names
tests each is judged by itself; where the exit code is all there is, so is a check that was green
before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.states import Verdict
from orchestrator.tests_first.import_errors import is_import_error, is_syntax_error, lacks_the_work

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from orchestrator.results import CheckResult, Failure, Report
    from orchestrator.tests_first.import_errors import Project

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Red:
    """Seen red; ``result`` holds of all failures only those that prove it."""

    result: CheckResult

    @property
    def told(self) -> str:
        """What is red, in a few words."""
        tests = [failure.test for failure in self.result.report.failures]
        return (
            f"{len(tests)} red in {self.result.check}" if tests else f"{self.result.check} is red"
        )


@dataclass(frozen=True, slots=True)
class NotRed:
    """Not seen red: ``why`` in short, and ``told`` for who wrote the tests."""

    why: str
    told: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody can tell, whatever the tests are; only the architect can mend that."""

    why: str


Redness = Red | NotRed | Unclear


@dataclass(frozen=True, slots=True)
class Rules:
    """What the architect allows, and which files hold the tests; ``project`` is all there is.

    ``reports`` is whether the plan wants a report of the check.
    """

    tests: Collection[str]
    project: Project
    reports: bool = False
    allow_missing: bool = False


def judge_red(after: CheckResult, before: CheckResult | None, rules: Rules) -> Redness:
    """Whether ``after``, a check with the tests, is red where ``before``, without them, is not.

    ``before`` is None for tests that were always there. Neither may be one that could not run.
    """
    if after.ok or after.verdict is Verdict.FLAKY:
        return NotRed(f"the tests pass in {after.check} before any work", NOT_RED_AT_ALL)
    if after.skipped:
        return NotRed(f"{after.check} did not start: {after.reason}", _did_not_start(after))
    if after.verdict is not Verdict.FAILED:
        return NotRed(f"{after.check}: {after.reason}", _no_failing_test(after))
    if after.report.failures:
        return _by_name(after, before, rules)
    return _by_exit_code(after, before, rules)


def _by_name(after: CheckResult, before: CheckResult | None, rules: Rules) -> Redness:
    if before is not None and not _tells_all(before):
        return Unclear(f"{after.check} without the tests: {before.reason or 'it tells too little'}")
    known = {one.passes_as for one in before.report.failures} if before is not None else set()
    new = [one for one in after.report.failures if one.passes_as not in known]
    mine = [one for one in new if _is_mine(one, rules)]
    broken = [one for one in mine if _is_broken(one, rules)]
    if broken:
        return NotRed(f"{_some(broken)} could not run in {after.check}", _cannot_run(broken, rules))
    if not mine:
        why = f"nothing fails in {after.check} that is new: {_some(after.report.failures)}"
        return NotRed(why, NOTHING_NEW.format(_some(after.report.failures)))
    return Red(replace(after, report=_of_these(after.report, mine)))


def _by_exit_code(after: CheckResult, before: CheckResult | None, rules: Rules) -> Redness:
    """Without a word of which test it was; a report that should be there is no small thing."""
    text = after.report.tail
    if after.report.parsed or rules.reports:
        return NotRed(f"{after.check}: {after.reason}", _no_failing_test(after))
    lacks = rules.allow_missing and lacks_the_work(text, rules.project)
    if is_syntax_error(text) or (is_import_error(text) and not lacks):
        return NotRed(f"the tests could not run in {after.check}", _no_failing_test(after))
    if before is not None and before.verdict is not Verdict.PASSED:
        return Unclear(
            f"{after.check} does not pass without the tests either, and names no test: nobody can "
            "tell what is red; give the check a report, or mend the target"
        )
    return Red(after)


def _tells_all(before: CheckResult) -> bool:
    """Whether it is known what fails without the tests; that there are none yet is as good."""
    report = before.report
    if report.parsed:
        return len(report.failures) >= report.failed + report.errored
    return before.verdict not in {Verdict.ERRORED, Verdict.TIMED_OUT}


def _is_mine(failure: Failure, rules: Rules) -> bool:
    """Whether a failure is of the tests, as far as it names a file."""
    file = failure.test.partition("::")[0]
    return file not in rules.project.files or file in rules.tests


def _is_broken(failure: Failure, rules: Rules) -> bool:
    """Whether a test could not run, rather than say no."""
    text = f"{failure.message}\n{failure.details}"
    did_not_run = failure.error or bool(failure.phase)
    if did_not_run and is_syntax_error(text):
        return True
    lacks = rules.allow_missing and lacks_the_work(text, rules.project)
    return (did_not_run or is_import_error(failure.message)) and not lacks


def _of_these(report: Report, failures: Collection[Failure]) -> Report:
    return replace(report, failures=tuple(failures))


NOT_RED_AT_ALL = (
    "Your tests pass without the work: they prove nothing. Write tests that fail now because the "
    "work is not done, and that will pass once it is."
)
NOTHING_NEW = (
    "Your tests do not fail without the work; what fails, failed before them: {}. Write tests that "
    "fail now because the work is not done."
)


def _did_not_start(after: CheckResult) -> str:
    return (
        f"The check {after.check!r} did not even start with your tests ({after.reason}). The tests "
        "must fail by saying no, so they must build first."
    )


def _no_failing_test(after: CheckResult) -> str:
    return (
        f"No test of yours failed in the check {after.check!r}: {after.reason or 'it could not run'}."
        " The tests must run to their end and fail because the work is not done."
    )


def _cannot_run(broken: Collection[Failure], rules: Rules) -> str:
    missing = (
        "Only what is missing in this project may fail to import."
        if rules.allow_missing
        else "An import that fails is no failing test: reach what is missing in a way that runs, "
        "and assert on what it does."
    )
    lines = "\n".join(_lines(broken))
    return f"Some of your tests could not run, which proves nothing:\n{lines}\n{missing}"


def _lines(failures: Collection[Failure]) -> Iterator[str]:
    for failure in [*failures][:SHOWN]:
        yield f"- {failure.test}: {failure.message or failure.phase or 'could not run'}"


def _some(failures: Collection[Failure]) -> str:
    names = ", ".join(failure.test for failure in [*failures][:3])
    return f"{names} and {len(failures) - 3} more" if len(failures) > 3 else names

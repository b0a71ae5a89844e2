"""What one run of a check proves."""

import signal
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.results import Failure, Report
from orchestrator.states import Verdict
from orchestrator.supervision.job import Ending, Exit
from orchestrator.verification.judgement import judge, settled

GREEN = Report(parsed=True, passed=3)
RED = Report(parsed=True, passed=2, failed=1)
NOTHING = Report()
CLEAN = Report(parsed=True, findings=True)
WARNED = replace(CLEAN, warnings=2, warned=(Failure("a"), Failure("b")))


@pytest.mark.parametrize(
    ("ended", "report", "verdict", "told"),
    [
        (Exit(code=0), GREEN, Verdict.PASSED, ""),
        (Exit(code=0), RED, Verdict.FAILED, "though the command exited with 0"),
        (Exit(code=0), NOTHING, Verdict.ERRORED, "its report is missing"),
        (Exit(code=0), Report(parsed=True), Verdict.FAILED, "collected no tests"),
        (Exit(code=0), Report(parsed=True, skipped=4), Verdict.FAILED, "all 4 were skipped"),
        (Exit(code=5), Report(parsed=True), Verdict.FAILED, "collected no tests"),
        (Exit(code=1), RED, Verdict.FAILED, "1 failed of 3 tests"),
        (Exit(code=1), Report(parsed=True, errored=2), Verdict.FAILED, "2 could not run of 2"),
        (Exit(code=2), GREEN, Verdict.FAILED, "though the report tells of no failure"),
        (Exit(code=3), NOTHING, Verdict.FAILED, "exit code 3"),
        (Exit(code=127), NOTHING, Verdict.ERRORED, "not found"),
        (Exit(code=126), NOTHING, Verdict.ERRORED, "not executable"),
        (Exit(code=137), NOTHING, Verdict.ERRORED, "SIGKILL"),
        (Exit(signal=signal.SIGKILL), RED, Verdict.ERRORED, "killed from outside by SIGKILL"),
        (Exit(signal=signal.SIGSEGV), NOTHING, Verdict.FAILED, "crashed with SIGSEGV"),
        (Exit(code=139), NOTHING, Verdict.FAILED, "exit code 139"),
        (Exit(error="no such file: sh"), NOTHING, Verdict.ERRORED, "no such file: sh"),
        (Exit(signal=15, ending=Ending.WALL, seconds=9), GREEN, Verdict.TIMED_OUT, "after 9s"),
        (Exit(code=0, ending=Ending.IDLE), GREEN, Verdict.TIMED_OUT, "stopped"),
        (Exit(), GREEN, Verdict.ERRORED, "nobody knows"),
        (Exit(code=0), CLEAN, Verdict.PASSED, ""),
        (Exit(code=0), WARNED, Verdict.PASSED, ""),
        (Exit(code=0), replace(CLEAN, failed=1), Verdict.FAILED, "1 error, though"),
        (
            Exit(code=1),
            replace(WARNED, failed=3, errored=1),
            Verdict.FAILED,
            "3 errors and 1 thing",
        ),
        (Exit(code=1), WARNED, Verdict.FAILED, "exit code 1, with 2 warnings"),
        (Exit(code=2), CLEAN, Verdict.FAILED, "though the report tells of no failure"),
        (Exit(code=127), CLEAN, Verdict.ERRORED, "not found"),
        (
            Exit(signal=9, ending=Ending.MEMORY, breach="it held 2 GiB"),
            RED,
            Verdict.ERRORED,
            "killed: it held 2 GiB",
        ),
    ],
)
def test_a_run_with_a_report_wanted(ended, report, verdict, told):
    judged, reason = judge(ended, report, wanted=True)
    assert judged is verdict
    assert told in reason


def test_without_a_report_wanted_the_exit_code_decides():
    assert judge(Exit(code=0), NOTHING) == (Verdict.PASSED, "")
    assert judge(Exit(code=1), NOTHING)[0] is Verdict.FAILED


def test_why_a_report_is_of_no_use_is_told():
    verdict, reason = judge(Exit(code=1), NOTHING, unreadable="unit.xml is empty", wanted=True)
    assert verdict is Verdict.FAILED
    assert "unit.xml is empty" in reason


def test_warnings_are_told_as_failures_only_where_nothing_worse_explains_a_failed_command():
    red = settled(WARNED, Verdict.FAILED)
    assert (red.failed, red.warnings, red.failures, red.warned) == (2, 0, WARNED.warned, ())
    for report, verdict in ((WARNED, Verdict.PASSED), (replace(WARNED, failed=1), Verdict.FAILED)):
        kept = settled(report, verdict)
        assert (kept.failed, kept.warnings, kept.warned) == (report.failed, 2, ())


COUNTS = st.integers(0, 3)
REPORTS = st.builds(
    Report,
    parsed=st.booleans(),
    findings=st.booleans(),
    passed=COUNTS,
    failed=COUNTS,
    errored=COUNTS,
    skipped=COUNTS,
)
EXITS = st.builds(
    Exit,
    code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    ending=st.sampled_from(Ending),
    error=st.sampled_from(["", "no such file"]),
)


@settings(max_examples=60, deadline=None)
@given(EXITS, REPORTS, st.booleans())
def test_green_needs_everything(ended, report, wanted):
    verdict, reason = judge(ended, report, wanted=wanted)
    if verdict is not Verdict.PASSED:
        assert reason
        return
    assert ended.ok
    assert ended.signal is None
    assert not report.failed
    assert not report.errored
    assert not wanted or (report.parsed and (report.passed or report.findings))

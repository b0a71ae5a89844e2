"""What one run of a check proves: a pure function, and it fails closed.

Green needs everything: the command ran to its own end, exited with 0, and, where the plan wants a
report, wrote one that tells of at least one test that ran and of none that failed. What could not
run is *errored* and blames nobody; only what ran and said no is *failed*.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.plan.values import show_duration
from orchestrator.states import Verdict
from orchestrator.supervision.job import Ending

if TYPE_CHECKING:
    from orchestrator.results import Report
    from orchestrator.supervision.job import Exit

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_BY_SIGNAL = 128

_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
)
"""Signals a program brings upon itself; any other came from outside."""

_OUTSIDE_CODES = frozenset(
    _BY_SIGNAL + number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
)
"""What a shell exits with when such a signal ended its command."""

Judged = tuple[Verdict, str]


def judge(
    ended: Exit,
    report: Report,
    *,
    unreadable: str = "",
    wanted: bool = False,
    may_run_none: bool = False,
    lost: str = "",
) -> Judged:
    """The verdict of one run, and in a sentence why it is not *passed*.

    ``wanted`` is whether the plan asks for a report, ``unreadable`` why there is none;
    ``may_run_none`` whether no test at all is a success, if the command says so, too; ``lost`` names the
    command that a shell did not find.
    """
    if ended.ending in (Ending.MEMORY, Ending.DISK):
        return Verdict.ERRORED, f"killed: {ended.breach}"
    if ended.ending is not Ending.EXITED:
        return Verdict.TIMED_OUT, f"stopped after {show_duration(round(ended.seconds, 1))}"
    could_not = _could_not_run(ended, lost)
    if could_not:
        return Verdict.ERRORED, f"could not run: {could_not}"
    if ended.code == 0:
        return _exited_well(report, unreadable, wanted=wanted, may_run_none=may_run_none)
    return _exited_badly(ended, report, unreadable)


def settled(report: Report, verdict: Verdict) -> Report:
    """``report`` once the verdict is known: whether what was only warned of is a failure.

    It is when the command failed and told of nothing worse.
    """
    if not report.warned:
        return report
    if verdict is Verdict.FAILED and not (report.failed or report.errored):
        report = replace(report, failed=report.warnings, warnings=0, failures=report.warned)
    return replace(report, warned=())


def _could_not_run(ended: Exit, lost: str) -> str:
    if ended.error:
        return ended.error
    if ended.signal is not None:
        return "" if ended.signal in _CRASHES else f"killed from outside by {_name(ended.signal)}"
    if ended.code == _NOT_FOUND:
        which = lost or "a command"
        return f"{which} was not found (exit code 127); is it installed, and is setup complete?"
    if ended.code == _NOT_EXECUTABLE:
        return "a command is not executable (exit code 126)"
    if ended.code in _OUTSIDE_CODES:
        return f"killed from outside by {_name(ended.code - _BY_SIGNAL)} (exit code {ended.code})"
    return "" if ended.code is not None else "nobody knows how it ended"


def _exited_well(report: Report, unreadable: str, *, wanted: bool, may_run_none: bool) -> Judged:
    if report.failed or report.errored:
        return Verdict.FAILED, f"{_failures(report)}, though the command exited with 0"
    if not wanted:
        return Verdict.PASSED, ""
    if not report.parsed:
        return Verdict.ERRORED, f"exited with 0, but {unreadable or 'its report is missing'}"
    if may_run_none:
        return Verdict.PASSED, ""
    return _nothing_ran(report) or (Verdict.PASSED, "")


def _exited_badly(ended: Exit, report: Report, unreadable: str) -> Judged:
    how = (
        f"exit code {ended.code}" if ended.signal is None else f"crashed with {_name(ended.signal)}"
    )
    if report.failed or report.errored:
        return Verdict.FAILED, _failures(report)
    if not report.parsed:
        return Verdict.FAILED, f"{how}; {unreadable}" if unreadable else how
    if report.warnings:
        return Verdict.FAILED, f"{how}, with {_counted(report.warnings, 'warning')}"
    return _nothing_ran(report) or (
        Verdict.FAILED,
        f"{how}, though the report tells of no failure",
    )


def _nothing_ran(report: Report) -> Judged | None:
    if report.ran or report.findings:
        return None
    if report.skipped:
        return Verdict.FAILED, f"ran no test: all {report.skipped} were skipped"
    return Verdict.FAILED, "collected no tests"


def _failures(report: Report) -> str:
    if report.findings:
        return _found(report)
    told = [f"{report.failed} failed"] if report.failed else []
    told += [f"{report.errored} could not run"] if report.errored else []
    return f"{' and '.join(told)} of {report.total} tests"


def _found(report: Report) -> str:
    told = [_counted(report.failed, "error")] if report.failed else []
    told += [_counted(report.errored, "thing") + " it could not do"] if report.errored else []
    return " and ".join(told)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

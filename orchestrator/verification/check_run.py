"""One check, really run: its command in a checkout, its report, its verdict.

The report is read from a path outside the checkout that did not exist before the run, so that no
report of an earlier run, and none that was committed, can ever be taken for this one's. A command
that is not told that path is its own report: then its output is read, and only when it is whole.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.errors import ClerkError
from orchestrator.log_tail import missing_command
from orchestrator.plan.values import REPORT, tells_report
from orchestrator.reports import load
from orchestrator.reports.output import extract
from orchestrator.reports.plain_text import without_root
from orchestrator.reports.recognition import guessed
from orchestrator.reports.source import ReportUnreadable
from orchestrator.results import CheckResult, Report
from orchestrator.states import Verdict
from orchestrator.supervision.job import Ending, Job
from orchestrator.verification.judgement import judge, settled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.allowance import Allowance
    from orchestrator.executors import Executor
    from orchestrator.plan.model import Check
    from orchestrator.sandboxes import Confinement
    from orchestrator.supervision.job import Exit


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where the checks of one verification run, and what their commands have in common.

    ``scratch`` is a folder of this verification alone; ``cookie`` its unique id.
    """

    folder: Path
    commit: str
    logs: Path
    scratch: Path
    env: Mapping[str, str]
    cookie: str
    executor: Executor
    confinement: Confinement
    log_bytes: int
    grace_seconds: float
    allowance: Allowance


async def run_check(name: str, check: Check, bench: Workbench) -> CheckResult:
    """Run one check to its end and judge it. What could not run is ERRORED, never raised."""
    job = _job(name, check, bench)
    try:
        ended = await bench.executor.run(bench.confinement.wrap(job))
        report, unreadable = await _report(name, check, ended, bench)
    except (ClerkError, OSError) as error:
        return errored(name, check, f"could not run: {error}")
    verdict, reason = judge(
        ended,
        report,
        unreadable=unreadable,
        wanted=bool(check.report),
        may_run_none=check.allow_no_tests,
        lost=missing_command(job.log),
    )
    report = settled(report, verdict)
    if verdict is not Verdict.PASSED and not report.failures:
        report = await anyio.to_thread.run_sync(_eked_out, report, verdict, job.log, bench.folder)
    return CheckResult(
        check=name,
        kind=check.kind,
        command=check.run,
        verdict=verdict,
        report=report,
        exit_code=ended.code,
        seconds=round(ended.seconds, 3),
        reason=reason,
        log=str(job.log),
    )


def errored(name: str, check: Check, reason: str, *, skipped: bool = False) -> CheckResult:
    """The result of a check that could not run, or was not started."""
    return CheckResult(
        check=name,
        kind=check.kind,
        command=check.run,
        verdict=Verdict.ERRORED,
        skipped=skipped,
        reason=reason,
    )


def _job(name: str, check: Check, bench: Workbench) -> Job:
    report = str(_report_path(name, bench))
    own = {"CLERK_CHECK": name, "CLERK_COMMIT": bench.commit, "CLERK_REPORT": report}
    return Job(
        argv=("sh", "-c", check.run.replace(REPORT, shlex.quote(report))),
        cwd=bench.folder,
        env={**bench.env, **check.env, **own},
        cookie=f"{bench.cookie}.{name}",
        log=log_path(name, bench),
        wall_seconds=check.timeout,
        log_bytes=bench.log_bytes,
        grace_seconds=bench.grace_seconds,
        allowance=bench.allowance,
    )


def _report_path(name: str, bench: Workbench) -> Path:
    return bench.scratch / f"{name}.report"


def log_path(name: str, bench: Workbench) -> Path:
    """Where all that a check prints is kept, from its begin on."""
    return bench.logs / f"{name}.log"


async def _report(name: str, check: Check, ended: Exit, bench: Workbench) -> tuple[Report, str]:
    """The parsed report, or an unparsed one and why; read in a thread, since it may be large."""
    if not check.report or ended.error or ended.ending is not Ending.EXITED:
        return Report(), ""
    from_file = tells_report(check.run)
    if ended.truncated and not from_file:
        return Report(), f"its output is too long to be kept whole; let it write to {REPORT}"
    path = _report_path(name, bench) if from_file else log_path(name, bench)
    parse = partial(load(check.report).parse, path, bench.folder)
    try:
        return await anyio.to_thread.run_sync(parse), ""
    except ReportUnreadable as error:
        return Report(), f"its report is of no use: {error}"


def _eked_out(report: Report, verdict: Verdict, log: Path | None, folder: Path) -> Report:
    """``report`` with what the output itself tells; that decides nothing any more."""
    if log is None:
        return report
    failures = guessed(log, folder) if verdict is Verdict.FAILED else ()
    return replace(report, guessed=failures, tail=without_root(extract(log), folder))

"""The JSON of Jest and of Vitest, which kept Jest's shape.

A file that did not load lists no test and would be nothing if its own status were not read; a run
that calls itself a failure and lists none has failed all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from orchestrator.reports.cases import Cases
from orchestrator.reports.findings import DOUBT
from orchestrator.reports.frames import Frame, innermost_own
from orchestrator.reports.json_documents import documents
from orchestrator.reports.plain_text import plain_text
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Report

_NOT_RUN = frozenset({"pending", "skipped", "todo", "disabled"})
_HEADING = "● Test suite failed to run"


class _Read(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Test(_Read):
    title: str
    status: str
    ancestor_titles: list[str] = []
    failure_messages: list[str] | None = None
    invocations: int | None = None

    @property
    def was_retried(self) -> bool:
        return (self.invocations or 1) > 1 or bool(self.failure_messages)


class _File(_Read):
    name: str
    status: str
    assertion_results: list[_Test]
    message: str | None = None


class _Run(_Read):
    success: bool
    num_total_tests: int
    num_failed_tests: int
    test_results: list[_File]
    was_interrupted: bool = False


_RUN = TypeAdapter(_Run)


class JestParser:
    """Reads one or several runs."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        cases = Cases(root)
        runs = documents(plain_text(read_report(path)), _RUN)
        if not runs:
            raise ReportUnreadable("it holds no JSON of a run")
        for run in runs:
            _count(run, cases)
        return cases.report()


def _count(run: _Run, cases: Cases) -> None:
    before = cases.failures
    listed = 0
    for file in run.test_results:
        listed += len(file.assertion_results)
        _count_file(file, cases)
    failed = cases.failures - before
    if run.num_failed_tests > failed:
        cases.nameless(failed=run.num_failed_tests - failed)
    elif not (failed or run.success) and run.num_total_tests:
        why = "the run calls itself a failure though no test failed: a threshold, a snapshot?"
        cases.failed(DOUBT, message=why, error=True)
    if run.was_interrupted:
        cases.cut_off("the run was interrupted")
    if listed < run.num_total_tests:
        cases.cut_off(f"it tells of {run.num_total_tests} tests and lists {listed}")


def _count_file(file: _File, cases: Cases) -> None:
    name = cases.clean(file.name, one_line=True)
    before = cases.failures
    for test in file.assertion_results:
        _count_test(name, test, cases)
    if file.status == "failed" and cases.failures == before:
        details = (file.message or "").replace(_HEADING, "").strip()
        phase = "" if file.assertion_results else "collection"
        message = details or "the file failed"
        place = None if innermost_own(cases.clean(details)) else Frame(name, 0)
        cases.failed(name, details, message=message, phase=phase, error=True, place=place)


def _count_test(file: str, test: _Test, cases: Cases) -> None:
    name = cases.unique(f"{file}::{' > '.join((*test.ancestor_titles, test.title))}")
    if test.status == "passed":
        cases.passed(name, flaky=test.was_retried)
    elif test.status in _NOT_RUN:
        cases.skipped()
    elif test.status == "failed":
        details = "\n\n".join(test.failure_messages or ())
        cases.failed(name, details, message=details)
    else:
        cases.failed(name, message=f"its status is {test.status!r}", error=True)

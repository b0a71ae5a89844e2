"""Playwright's JSON: what passed only when retried, and projects, which share the names of tests.

What goes wrong outside a test (a file that does not load, a global time-out) stands apart from
the tests, and is an error of its own.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from orchestrator.reports.cases import Cases
from orchestrator.reports.frames import Frame, innermost_own
from orchestrator.reports.json_documents import documents
from orchestrator.reports.plain_text import plain_text
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.results import Report

_CONSEQUENCES = ("Error: No tests found", "Testing stopped early after")
"""What is said besides, once no test was found or enough have failed."""


class _Read(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Location(_Read):
    file: str
    line: int


class _Error(_Read):
    message: str = ""
    stack: str = ""
    location: _Location | None = None
    value: str = ""

    @property
    def text(self) -> str:
        return self.stack or self.message or self.value


class _Result(_Read):
    status: str | None = None
    error: _Error | None = None
    errors: list[_Error] = []


class _Test(_Read):
    status: str
    expected_status: str = "passed"
    project_name: str = ""
    results: list[_Result]


class _Spec(_Read):
    title: str
    file: str
    line: int = 0
    tests: list[_Test]


class _Suite(_Read):
    title: str = ""
    specs: list[_Spec] = []
    suites: list[_Suite] = []


class _Config(_Read):
    root_dir: str = ""


class _Stats(_Read):
    expected: int
    skipped: int
    unexpected: int
    flaky: int


class _Run(_Read):
    config: _Config
    suites: list[_Suite]
    errors: list[_Error]
    stats: _Stats


_RUN = TypeAdapter(_Run)


class PlaywrightParser:
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
    folder = PurePosixPath(cases.clean(f"{run.config.root_dir}/"))
    listed = unrun = failed = 0
    for titles, spec in _specs(run.suites):
        file = spec.file if folder.is_absolute() else str(folder / spec.file)
        for test in spec.tests:
            listed += 1
            unrun += test.status == "skipped" and test.expected_status != "skipped"
            failed += test.status == "unexpected"
            _count_test(Frame(file, spec.line), (*titles, spec.title), test, cases)
    cases.nameless(failed=max(0, run.stats.unexpected - failed))
    for error in run.errors:
        _count_error(error, cases)
    told = run.stats.expected + run.stats.skipped + run.stats.unexpected + run.stats.flaky
    if listed != told:
        cases.cut_off(f"it tells of {told} tests and lists {listed}")
    if unrun and not cases.failures:
        cases.cut_off(f"{unrun} of its tests were not run")


def _specs(suites: list[_Suite]) -> Iterator[tuple[tuple[str, ...], _Spec]]:
    """Each test with the titles it stands under; the first, a file's, is no title."""
    waiting: list[tuple[tuple[str, ...] | None, _Suite]] = [(None, suite) for suite in suites]
    while waiting:
        above, suite = waiting.pop(0)
        titles = () if above is None else (*above, suite.title)
        for spec in suite.specs:
            yield titles, spec
        waiting = [(titles, inner) for inner in suite.suites] + waiting


def _count_test(written: Frame, titles: tuple[str, ...], test: _Test, cases: Cases) -> None:
    project = f" [{test.project_name}]" if test.project_name else ""
    name = cases.unique(f"{written.path}::{' > '.join(titles)}{project}")
    if test.status in {"expected", "flaky"}:
        cases.passed(name, flaky=test.status == "flaky")
    elif test.status == "skipped":
        cases.skipped()
    else:
        _count_failure(name, test, written, cases)


def _count_failure(name: str, test: _Test, written: Frame, cases: Cases) -> None:
    last = test.results[-1] if test.results else _Result()
    errors = [last.error] if last.error else last.errors
    details = "\n\n".join(error.text for error in errors)
    message = details or f"expected to be {test.expected_status}, was {last.status}"
    cases.failed(
        name,
        details,
        message=message,
        error=last.status == "interrupted",
        place=_place(errors, details, cases) or written,
    )


def _place(errors: list[_Error], details: str, cases: Cases) -> Frame | None:
    """The innermost place on the stack, else where the runner says it broke."""
    location = next((error.location for error in errors if error.location), None)
    frame = innermost_own(cases.clean(details))
    if frame or location is None:
        return frame
    return Frame(cases.clean(location.file, one_line=True), location.line)


def _count_error(error: _Error, cases: Cases) -> None:
    message = cases.clean(error.message or error.value)
    if message.startswith(_CONSEQUENCES):
        return
    file = cases.clean(error.location.file, one_line=True) if error.location else ""
    cases.failed(
        file or "playwright",
        error.text,
        message=message,
        phase="collection" if file else "",
        error=True,
        place=_place([error], error.text, cases),
    )

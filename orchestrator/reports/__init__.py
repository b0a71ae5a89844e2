"""What checks report, read into one shape. ``junit`` first; others come by the same door.

A parser reads one file that an untrusted command wrote. It never runs, imports or fetches
anything, never hangs, and raises ReportUnreadable rather than guess: a report that cannot be
read must not turn into a green check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from orchestrator.registry import look_up

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Report

PARSERS = {
    "cargo": "orchestrator.reports.cargo:CargoParser",
    "eslint": "orchestrator.reports.eslint:ESLintParser",
    "generic": "orchestrator.reports.generic:GenericParser",
    "go": "orchestrator.reports.go:GoParser",
    "jest": "orchestrator.reports.jest:JestParser",
    "junit": "orchestrator.reports.junit:JUnitParser",
    "mypy": "orchestrator.reports.mypy:MypyParser",
    "playwright": "orchestrator.reports.playwright:PlaywrightParser",
    "pytest": "orchestrator.reports.pytest:PytestParser",
    "ruff": "orchestrator.reports.ruff:RuffParser",
    "sarif": "orchestrator.reports.sarif:SarifParser",
    "tap": "orchestrator.reports.tap:TapParser",
    "tsc": "orchestrator.reports.tsc:TscParser",
    "vitest": "orchestrator.reports.jest:JestParser",
}

FILE_ONLY = frozenset({"junit"})
"""Formats that tools write to a file and do not print."""


class ReportParser(Protocol):
    """Reads one format."""

    def parse(self, path: Path, root: Path) -> Report:
        """The report in the file at ``path``; paths beneath ``root`` are told relative to it.

        ``root`` is the folder the check ran in. Raises ReportUnreadable.
        """


def formats() -> dict[str, bool]:
    """The built-in formats, each with whether it can be read from what a command prints."""
    return {name: name not in FILE_ONLY for name in sorted(PARSERS)}


def load(name: str) -> ReportParser:
    """The parser of that format; raises UsageError with the names there are."""
    return cast("ReportParser", look_up("report format", name, PARSERS)())

"""What tools that look for faults (compilers, linters, type checkers) found, as a report.

They count faults, not tests: finding none is a success, and warnings are counted apart, since
only the tool's exit code tells whether they matter. A finding's identity survives an edit above
it: no line number is in it, and equal ones of a file are told apart by their order.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.reports.plain_text import prefixes_of, without_prefixes
from orchestrator.reports.tally import Tally
from orchestrator.results import Failure
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Report

IDENTITY_CHARACTERS = 280
"""Leaves room for the ordinal of an equal one within what a tally keeps of a name."""

DOUBT = "report"
"""The identity of what is wrong with a report as a whole."""

_LINE_NUMBERS = re.compile(r"\b(lines?) \d+\b|:\d+(:\d+)?\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault; ``rule`` is the tool's name for its kind, ``details`` what explains the message."""

    message: str
    rule: str = ""
    path: str = ""
    line: int | None = None
    details: str = ""
    warning: bool = False


class Findings:
    """Counts what it is told; ``report()`` is the result. Paths are told relative to ``root``."""

    def __init__(self, root: Path) -> None:
        self._prefixes = prefixes_of(root)
        self._errors = Tally()
        self._warnings = Tally()
        self._equal: Counter[str] = Counter()

    @property
    def errors(self) -> int:
        return self._errors.failed

    @property
    def warnings(self) -> int:
        return self._warnings.failed

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if there is room."""
        tally = self._warnings if finding.warning else self._errors
        if tally.is_full:
            tally.count(error=False)
        else:
            tally.add(self._failure(finding), error=False)

    def doubt(self, why: str, *, path: str = "", line: int | None = None) -> None:
        """Count as errored what the tool could not do, or a report that is not whole."""
        failure = self._failure(Finding(why, path=path, line=line))
        self._errors.add(failure if path else replace(failure, test=DOUBT), error=True)

    def believe(self, errors: int) -> None:
        """Take the tool's own total for true where it is more than what was listed."""
        if errors > self.errors:
            self.doubt(f"its total tells of {errors - self.errors} more errors than it lists")

    def report(self) -> Report:
        warned = self._warnings.report()
        return replace(
            self._errors.report(), findings=True, warnings=warned.failed, warned=warned.failures
        )

    def _failure(self, finding: Finding) -> Failure:
        path = self._clean(finding.path, one_line=True).removeprefix("./")
        message = self._clean(finding.message, one_line=True) or "no message"
        told = f"{finding.rule}: {message}" if finding.rule else message
        return Failure(
            test=self._identity(path, told),
            message=told,
            details=self._clean(finding.details),
            path=path,
            line=finding.line,
        )

    def _identity(self, path: str, told: str) -> str:
        told = _LINE_NUMBERS.sub(lambda match: match[1] or "", told)
        name = (f"{path}::{told}" if path else told)[:IDENTITY_CHARACTERS]
        self._equal[name] += 1
        return name if self._equal[name] == 1 else f"{name} #{self._equal[name]}"

    def _clean(self, text: str, *, one_line: bool = False) -> str:
        return safe_text(without_prefixes(text, self._prefixes), one_line=one_line)

"""mypy's findings, as text (``--pretty`` too) or ``--output json``.

Text must end in its own total; JSON has none, and is nothing at all when all is well. Notes
explain the error above them and are no findings themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, TypeAdapter

from orchestrator.reports.findings import Finding, Findings
from orchestrator.reports.json_documents import begins_with_json, documents
from orchestrator.reports.plain_text import plain_lines, plain_text
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.results import Report

MOST_LINES_OF_A_MESSAGE = 12

_PROBLEM = re.compile(
    r"(?P<path>[^\s:][^:]{0,300}):(?:(?P<line>\d{1,7}):(?:\d{1,7}:){0,3})? "
    r"(?P<severity>error|warning|note): (?P<message>.+)"
)
_CODE = re.compile(r"[a-z][a-z-]{0,60}\]")
_FOUND = re.compile(r"Found (?P<errors>\d{1,9}) errors? in \d+ files?\b")
_CLEAN = "Success: no issues found"


class _Line(BaseModel):
    file: str
    line: int
    message: str
    severity: str
    hint: str | None = None
    code: str | None = None


_LINE = TypeAdapter(_Line)


class MypyParser:
    """Reads both."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        raw = read_report(path, silent=True)
        text = plain_text(raw)
        findings = Findings(root)
        if begins_with_json(text):
            _count_json(documents(text, _LINE), findings)
        elif text.strip():
            _count_text(plain_lines(raw), findings)
        return findings.report()


def _count_json(lines: Iterable[_Line], findings: Findings) -> None:
    for line in lines:
        if line.severity != "note":
            findings.add(
                Finding(
                    message=line.message,
                    rule=line.code or "",
                    path=line.file,
                    line=max(line.line, 0) or None,
                    details=line.hint or "",
                    warning=line.severity == "warning",
                )
            )


@dataclass(slots=True)
class _Told:
    """A finding whose message and notes are still being read."""

    finding: Finding
    message: list[str]
    notes: list[str] = field(default_factory=list)
    open: bool = True

    def whole(self) -> Finding:
        told = replace(self.finding, message=" ".join(self.message), details="\n".join(self.notes))
        message, _, code = told.message.rpartition("[")
        if not _CODE.fullmatch(code):
            return told
        return replace(told, message=message.rstrip(), rule=code.removesuffix("]"))


def _count_text(lines: Iterable[str], findings: Findings) -> None:
    told: list[_Told] = []
    ended, errors = False, 0
    for line in lines:
        if problem := _PROBLEM.fullmatch(line):
            _take(problem, told)
        elif total := _FOUND.match(line):
            ended, errors = True, errors + int(total["errors"])
        elif line.startswith(_CLEAN):
            ended = True
        elif told:
            _go_on(line, told[-1])
    for one in told:
        findings.add(one.whole())
    if not ended and not told:
        raise ReportUnreadable("it has no total of mypy's; leave --no-error-summary out")
    if not ended:
        findings.doubt("its total is missing: the output was cut off")
    findings.believe(errors)


def _take(problem: re.Match[str], told: list[_Told]) -> None:
    """A new finding, or a note to the last one of the same file."""
    path, message = problem["path"], problem["message"]
    if problem["severity"] == "note":
        if told and told[-1].finding.path == path:
            told[-1].notes.append(message)
            told[-1].open = False
        return
    line = int(problem["line"]) if problem["line"] else None
    finding = Finding("", "", path, line, warning=problem["severity"] == "warning")
    told.append(_Told(finding, [message]))


def _go_on(line: str, told: _Told) -> None:
    """A message that was wrapped goes on until the source is echoed."""
    room = len(told.message) < MOST_LINES_OF_A_MESSAGE
    told.open = told.open and room and bool(line) and not line.startswith("    ")
    if told.open:
        told.message.append(line)

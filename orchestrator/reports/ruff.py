"""ruff's findings: ``check`` as text (concise or full) or JSON, and ``format --check``.

Text must end in one of ruff's own totals, and JSON must be whole: an empty output proves nothing.
"""

from __future__ import annotations

import re
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

_RULE = r"(?P<rule>[A-Z]{1,10}\d{1,6}|[a-z][a-z-]{0,60}(?=:)):? (?:\[\*\] )?(?P<message>\S.*)"
_CONCISE = re.compile(rf"(?P<path>[^\s:][^:]{{0,300}}):(?P<line>\d{{1,7}}):\d{{1,7}}: {_RULE}")
_FULL = re.compile(_RULE)
_ARROW = re.compile(r" *--> (?P<path>[^\s:][^:]{0,300}):(?P<line>\d{1,7}):\d{1,7}")
_UNFORMATTED = re.compile(r"Would reformat: (?P<path>\S.*)")
_FOUND = re.compile(r"Found (?P<found>\d{1,9}) errors?(?: \(\d+ fixed, (?P<left>\d{1,9}) remain)?")
_FORMATTED = re.compile(
    r"(?P<files>\d{1,9}) files? (?:would be reformatted|(?P<well>already formatted))"
)
_CLEAN = "All checks passed!"


class _Place(BaseModel):
    row: int


class _Record(BaseModel):
    filename: str
    message: str
    code: str | None = None
    location: _Place | None = None
    severity: str = "error"


_RUN = TypeAdapter(list[_Record] | _Record)


class RuffParser:
    """Reads all of them."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        raw = read_report(path)
        text = plain_text(raw)
        findings = Findings(root)
        if begins_with_json(text):
            for run in documents(text, _RUN):
                _count_json(run if isinstance(run, list) else [run], findings)
        else:
            _count_text(plain_lines(raw), findings)
        return findings.report()


def _count_json(records: Iterable[_Record], findings: Findings) -> None:
    for record in records:
        findings.add(
            Finding(
                message=record.message,
                rule=record.code or "invalid-syntax",
                path=record.filename,
                line=record.location.row if record.location else None,
                warning=record.severity not in {"error", "fatal"},
            )
        )


def _count_text(lines: list[str], findings: Findings) -> None:
    told, ended = 0, False
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        total = _total(line)
        if total is not None:
            told, ended = told + total, True
        elif finding := _finding(line, after):
            findings.add(finding)
    if not ended and not findings.errors:
        raise ReportUnreadable("it has no total of ruff's; leave --quiet out")
    if not ended:
        findings.doubt("its total is missing: the output was cut off")
    findings.believe(told)


def _total(line: str) -> int | None:
    """How many errors this line sums up, None when it is no total."""
    if line.startswith(_CLEAN):
        return 0
    if match := _FOUND.match(line):
        return int(match["left"] or match["found"])
    if match := _FORMATTED.match(line):
        return 0 if match["well"] else int(match["files"])
    return None


def _finding(line: str, after: str) -> Finding | None:
    if match := _UNFORMATTED.fullmatch(line):
        return Finding("ruff would format it anew", "format", match["path"])
    concise = _CONCISE.fullmatch(line)
    place, said = concise or _ARROW.fullmatch(after), concise or _FULL.fullmatch(line)
    if place and said:
        return Finding(said["message"], said["rule"], place["path"], int(place["line"]))
    return None

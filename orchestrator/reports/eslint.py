"""ESLint's findings: its ``-f json``, or the text it prints for people.

The text is silent when all is well, so that the exit code is then the only word; what it tells
must end in its own totals, or it was cut off.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, TypeAdapter

from orchestrator.reports.findings import Finding, Findings
from orchestrator.reports.json_documents import begins_with_json, documents
from orchestrator.reports.plain_text import plain_lines, plain_text
from orchestrator.reports.source import ReportUnreadable, read_report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.results import Report

_ERROR = 2

_PROBLEM = re.compile(
    r"\s+(?P<line>\d{1,7}):\d{1,7}\s+(?P<severity>error|warning)\s+(?P<message>\S.*)"
)
_RULE = re.compile(r"[@\w/.-]+")
_TOTALS = re.compile(r"\S \d+ problems? \((?P<errors>\d{1,9}) errors?, (?P<warnings>\d{1,9}) warn")
_BROKE = "Oops! Something went wrong!"


class _Message(BaseModel):
    message: str
    severity: int
    rule: str | None = Field(None, alias="ruleId")
    line: int | None = None


class _File(BaseModel):
    path: str = Field(alias="filePath")
    messages: list[_Message]
    errors: int = Field(alias="errorCount")


_RUN = TypeAdapter(list[_File])


class ESLintParser:
    """Reads both."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        raw = read_report(path, silent=True)
        text = plain_text(raw)
        findings = Findings(root)
        if begins_with_json(text):
            _count_json(documents(text, _RUN), findings)
        else:
            _count_text(plain_lines(raw), findings)
        return findings.report()


def _count_json(runs: Iterable[list[_File]], findings: Findings) -> None:
    told = 0
    for file in (file for run in runs for file in run):
        told += file.errors
        for message in file.messages:
            findings.add(
                Finding(
                    message=message.message,
                    rule=message.rule or "",
                    path=file.path,
                    line=message.line,
                    warning=message.severity < _ERROR,
                )
            )
    findings.believe(told)


def _count_text(lines: Iterable[str], findings: Findings) -> None:
    path = ""
    errors = warnings = 0
    for line in lines:
        if problem := _PROBLEM.fullmatch(line):
            findings.add(_finding(path, problem))
        elif totals := _TOTALS.match(line):
            errors += int(totals["errors"])
            warnings += int(totals["warnings"])
        elif line.startswith(_BROKE):
            raise ReportUnreadable("ESLint says that something went wrong")
        elif line and not line[0].isspace():
            path = line
    if findings.errors + findings.warnings > errors + warnings:
        findings.doubt("its totals are missing: the output was cut off")
    findings.believe(errors)


def _finding(path: str, problem: re.Match[str]) -> Finding:
    message, gap, rule = problem["message"].rpartition("  ")
    ruled = gap and _RULE.fullmatch(rule)
    return Finding(
        message=message if ruled else problem["message"],
        rule=rule if ruled else "",
        path=path,
        line=int(problem["line"]),
        warning=problem["severity"] == "warning",
    )

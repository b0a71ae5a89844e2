"""What TypeScript's compiler prints, with ``--pretty`` or without.

It is silent when all is well, so that the exit code is then the only word. A message goes on in
the indented lines below it; the source that ``--pretty`` echoes is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.reports.findings import Finding, Findings
from orchestrator.reports.plain_text import plain_lines
from orchestrator.reports.source import read_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.results import Report

MOST_LINES_OF_A_MESSAGE = 12

_PLACE = (
    r"(?:(?P<path>\S.{0,300}?)\((?P<line>\d{1,7}),\d{1,7}\): "
    r"|(?P<pretty_path>\S.{0,300}?):(?P<pretty_line>\d{1,7}):\d{1,7} - )?"
)
_PROBLEM = re.compile(
    rf"{_PLACE}(?P<severity>error|warning|message|suggestion) (?P<rule>TS\d{{1,6}}): (?P<message>.+)"
)
_TOTAL = re.compile(r"Found (?P<errors>\d{1,9}) errors?\b")


class TscParser:
    """Reads either."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        findings = Findings(root)
        told = 0
        lines = plain_lines(read_report(path, silent=True))
        for number, line in enumerate(lines):
            if problem := _PROBLEM.fullmatch(line):
                findings.add(_finding(problem, _rest(lines, number + 1)))
            elif total := _TOTAL.match(line):
                told += int(total["errors"])
        findings.believe(told)
        return findings.report()


def _rest(lines: list[str], start: int) -> Iterator[str]:
    """What of the message stands on the lines from ``start``."""
    for line in lines[start : start + MOST_LINES_OF_A_MESSAGE]:
        if not line.startswith("  "):
            return
        yield line


def _finding(problem: re.Match[str], rest: Iterable[str]) -> Finding:
    line = problem["line"] or problem["pretty_line"]
    return Finding(
        message=problem["message"],
        rule=problem["rule"],
        path=problem["path"] or problem["pretty_path"] or "",
        line=int(line) if line else None,
        details="\n".join(rest),
        warning=problem["severity"] != "error",
    )

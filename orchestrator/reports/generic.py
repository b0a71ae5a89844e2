"""What can be told of an output whose tool nobody knows: crashes, compiler errors, make's words.

A guess, but one that fails closed: an error that is plainly told fails the check even where the
exit code was lost in a pipe. A line that only names a place is a warning, since it may be anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.reports.crashes import crashes
from orchestrator.reports.diagnostics import diagnostics, make_errors
from orchestrator.reports.findings import Findings
from orchestrator.reports.plain_text import plain_lines
from orchestrator.reports.source import read_report

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Report


class GenericParser:
    """Reads any text."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        return told_by(read_report(path, silent=True), root)


def told_by(raw: bytes, root: Path) -> Report:
    """What ``raw`` tells of faults."""
    lines = plain_lines(raw, root)
    findings = Findings(root)
    taken: set[int] = set()
    for crash, place in crashes(lines):
        findings.add(crash)
        taken.update(place)
    rest = [line for number, line in enumerate(lines) if number not in taken]
    for finding in diagnostics(rest):
        findings.add(finding)
    for finding, consequence in make_errors(rest):
        if not consequence or not findings.errors:
            findings.add(finding)
    return findings.report()

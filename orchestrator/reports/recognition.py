"""What an output tells though nobody said in which format it is: for the digest, never the verdict.

A tool is recognised by words that only it writes, and where none is, by the forms that compiler
errors and crashes share. A guess may be wrong, so it stays apart from what a report proves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.reports import PARSERS, load
from orchestrator.reports.findings import DOUBT
from orchestrator.reports.generic import told_by
from orchestrator.reports.output import ends_of
from orchestrator.reports.plain_text import plain_lines
from orchestrator.reports.source import ReportUnreadable, open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Failure

_SIGNS = {
    "sarif": r'"\$schema": ?"[^"\n]{0,200}sarif',
    "eslint": r'^\[\{"filePath":"|^\S \d+ problems? \(\d+ errors?, \d+ warnings?\)$',
    "tsc": r"^(\S.{0,300}[(:]\d+[,:]\d+\)?( -|:) )?error TS\d+: ",
    "mypy": r"^Found \d+ errors? in \d+ files? \((checked|errors prevented)"
    r'|^\{"file": "[^"\n]{1,300}", "line": -?\d+, "column": -?\d+, ',
    "ruff": r"^ *--> \S+:\d+:\d+$|^\S+:\d+:\d+: ([A-Z]+\d+|invalid-syntax:) |^Would reformat: "
    r'|^ +"noqa_row": ',
    "pytest": r"^=+ (\d+ \w+, ){0,9}\d+ (failed|errors?|passed|skipped)\b.{0,120} in [\d.]+s\b",
    "cargo": r"^test result: (ok|FAILED)\. \d+ passed; \d+ failed;",
    "go": r'^\{"Time":"[^"\n]{0,60}","Action":"',
    "tap": r"^TAP version 1[34]$",
    "jest": r'^\{"numFailedTestSuites":\d+',
}
_TOTALS = {"ruff": r'^Found \d+ errors?\b|^\d+ files? would be reformatted|^ +"noqa_row": '}
"""What must be there, too, since others write the like."""


def recognise(text: str) -> str | None:
    """The format that ``text`` is plainly in, of those that have signs of their own."""
    for name, sign in _SIGNS.items():
        wanted = (sign, _TOTALS.get(name, ""))
        if all(re.search(pattern, text, re.MULTILINE) for pattern in wanted):
            return name
    return None


def guessed(log: Path, root: Path) -> tuple[Failure, ...]:
    """The failures that ``log`` seems to tell of; none where nothing in it looks like one."""
    try:
        with open_regular(log) as file:
            ends = ends_of(file)
    except (ReportUnreadable, OSError):
        return ()
    known = recognise("\n".join(plain_lines(ends)))
    return _by_its_tool(known, log, root) or told_by(ends, root).failures


def _by_its_tool(name: str | None, log: Path, root: Path) -> tuple[Failure, ...]:
    if name not in PARSERS:
        return ()
    try:
        failures = load(name).parse(log, root).failures
    except ReportUnreadable:
        return ()
    return tuple(failure for failure in failures if failure.test != DOUBT)

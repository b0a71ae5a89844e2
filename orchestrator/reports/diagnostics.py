"""What compilers and linkers say, in the forms that nearly all of them share.

``path:line: error: …`` as gcc and clang write it, a headline with an arrow below it as rustc does,
and what linkers and make say of no line at all. One line is looked at at a time, by patterns that
are anchored and never try a path twice.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.reports.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES_BELOW = 12

_PATH = r"(?P<path>[^\s:()\"'<>|,;=]{1,400}+)"
_AT = rf"{_PATH}(?::(?P<line>\d{{1,7}})(?::\d{{1,7}})?|\((?P<row>\d{{1,7}})(?:,\d{{1,7}})?\)):"
_FILE = re.compile(r".*[^/.]\.[A-Za-z]\w{0,9}|.*/.*[^/]")

_PLACED = re.compile(rf"{_AT} ?(?P<message>\S.*)")
_SAID = re.compile(
    r"(?:(?P<error>fatal error|internal compiler error|error|fatal)|(?P<warning>warning|warn)"
    r"|(?:note|info|hint|help|remark))"
    r"(?: ?(?:\[(?P<rule>[\w.:-]{1,60})\]|(?P<code>[A-Z]{1,6}\d{1,6})))?: ?(?P<message>\S.*)",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(?P<message>.*?) \[-W(?:error=)?(?P<rule>[\w=+-]{1,60})\]")
_HEADLINE = re.compile(
    r"(?:(?P<error>error)|(?P<warning>warning))(?:\[(?P<rule>[\w:-]{1,60})\])?: (?P<message>\S.*)"
)
_ARROW = re.compile(rf"\s*-->\s{_PATH}:(?P<line>\d{{1,7}}):\d{{1,7}}")
_ECHO = re.compile(r"[ \t]|\d{1,7} +\|")
_LINKED = ("undefined reference to ", "multiple definition of ", "cannot find -l")
_LINKED_FROM = re.compile(rf"(?:\S{{0,200}}ld(?:\.\w{{1,10}})?: )?(?:{_PATH}:.*)?")
_MAKE = re.compile(
    r"g?make(?:\[\d{1,4}\])?: \*\*\* (?:\[(?P<path>[^\s:\]]{1,300}):(?P<line>\d{1,7}): [^\]]{1,300}\] )?"
    r"(?P<message>\S.*)"
)
_CONSEQUENCE = re.compile(r"Error \d{1,9}|\[.* Error \d{1,9}|Waiting for unfinished jobs.*")


def diagnostics(lines: list[str]) -> Iterator[Finding]:
    """What is found in ``lines``, in their order; a line that only names a place is a warning."""
    for number, line in enumerate(lines):
        finding = _placed(line) or _headline(lines, number) if ":" in line else None
        finding = finding or _linked(line)
        if finding is not None:
            yield replace(finding, details="\n".join(_below(lines, number + 1)))


def make_errors(lines: list[str]) -> Iterator[tuple[Finding, bool]]:
    """What make says, and whether it only tells that something else failed."""
    for match in filter(None, map(_MAKE.fullmatch, lines)):
        line = int(match["line"]) if match["line"] else None
        message = match[0].partition("*** ")[2]
        finding = Finding(message, "make", match["path"] or "", line)
        yield finding, bool(_CONSEQUENCE.fullmatch(match["message"]))


def _placed(line: str) -> Finding | None:
    """``path:line: …``; what explains another finding is none."""
    match = _PLACED.fullmatch(line)
    if match is None or not _FILE.fullmatch(match["path"]):
        return None
    finding = Finding(match["message"], path=match["path"], line=int(match["line"] or match["row"]))
    said = _SAID.fullmatch(match["message"])
    if said is None:
        return replace(finding, warning=True)
    if not (said["error"] or said["warning"]):
        return None
    message, rule = said["message"], said["rule"] or said["code"] or ""
    if option := _OPTION.fullmatch(message):
        message, rule = option["message"], option["rule"]
    return replace(finding, message=message, rule=rule, warning=not said["error"])


def _headline(lines: list[str], number: int) -> Finding | None:
    match = _HEADLINE.fullmatch(lines[number])
    arrow = match and next(filter(None, map(_ARROW.match, lines[number + 1 : number + 4])), None)
    if not match or not arrow:
        return None
    rule, line = match["rule"] or "", int(arrow["line"])
    return Finding(match["message"], rule, arrow["path"], line, warning=not match["error"])


def _linked(line: str) -> Finding | None:
    at = max(line.find(phrase) for phrase in _LINKED)
    origin = _LINKED_FROM.match(line[:at]) if at >= 0 else None
    return Finding(line[at:], "link", origin["path"] or "") if origin else None


def _below(lines: list[str], start: int) -> Iterator[str]:
    """What stands indented from ``start`` on: the source, and what in it is pointed at."""
    for line in lines[start : start + MOST_LINES_BELOW]:
        if not _ECHO.match(line):
            return
        if not _ARROW.match(line):
            yield line

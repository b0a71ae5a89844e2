"""TAP 12, 13 and 14: ``ok`` and ``not ok``, with YAML, comments and subtests below them.

A plan must be there and be kept, else the run did not end; leaves are counted, and a point around
others only when it alone says no. Everything that is not TAP is passed over, as TAP wants it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.reports.cases import Cases
from orchestrator.reports.frames import Frame
from orchestrator.reports.plain_text import plain_lines
from orchestrator.reports.source import ReportUnreadable, read_report
from orchestrator.reports.tap_diagnostics import Diagnostics

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import Report

DEEPEST = 32

_POINT = re.compile(r"(?P<bad>not )?ok\b(?: +(?P<number>\d{1,9})\b)?(?: +-)?(?P<rest>.*)")
_PLAN = re.compile(r"1\.\.(?P<count>\d{1,9})(?: *#(?P<why>.*))?")
_DIRECTIVE = re.compile(r"(?P<word>skip|todo)\b\S*(?P<why>.*)", re.IGNORECASE)
_HASH = re.compile(r"(?<!\\)#")
_BAIL = re.compile(r"Bail out!(?P<why>.*)")
_FAILED_IN_ALL = re.compile(r"# fail (?P<count>\d{1,9})")


@dataclass(slots=True)
class _Point:
    name: str
    ok: bool
    directive: str = ""
    said: list[str] = field(default_factory=list)
    below: list[_Point] = field(default_factory=list)


@dataclass(slots=True)
class _Level:
    """The points of one test, and its plan."""

    indent: int
    points: list[_Point] = field(default_factory=list)
    plan: int | None = None
    braced: bool = False


class TapParser:
    """Reads one or several documents."""

    def parse(self, path: Path, root: Path) -> Report:
        """See ``ReportParser``."""
        cases = Cases(root)
        reader = _Reader(cases)
        for line in plain_lines(read_report(path)):
            reader.read(line)
        reader.end()
        return cases.report()


class _Reader:
    """Takes one line after the other; what is complete is counted."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._levels = [_Level(0)]
        self._yaml: _Point | None = None
        self._header: list[str] = []
        self._seen = False
        self._failed_in_all = 0

    def read(self, line: str) -> None:
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if self._yaml is not None:
            self._read_yaml(line, text)
        elif match := _POINT.fullmatch(text):
            self._read_point(match, indent)
        elif match := _PLAN.fullmatch(text):
            self._read_plan(match, indent)
        elif match := _BAIL.fullmatch(text):
            self._cases.cut_off(f"bailed out: {match['why'].strip() or 'no reason told'}")
        elif text.startswith("TAP version ") and indent == 0:
            self._begin_anew()
        else:
            self._read_rest(text, indent)

    def end(self) -> None:
        """Count what is left; raises ReportUnreadable when there was no TAP at all."""
        if self._yaml is not None:
            self._cases.cut_off("it ends within a diagnostic")
        self._finish()
        if not self._seen:
            raise ReportUnreadable("it holds no TAP")
        self._cases.nameless(failed=max(0, self._failed_in_all - self._cases.failures))

    def _read_yaml(self, line: str, text: str) -> None:
        if text == "...":
            self._yaml = None
        elif self._yaml is not None:
            self._yaml.said.append(line)

    def _read_point(self, match: re.Match[str], indent: int) -> None:
        below = self._below(indent)
        level = self._level(indent)
        number = int(match["number"] or 0)
        rest = match["rest"].strip()
        if not (number or rest) and level.plan == len(level.points):
            return  # what prove says of a whole file
        if indent == 0 and number == 1 and level.points:
            self._begin_anew()
            level = self._level(0)
        braced = rest.endswith("{")
        name, directive = _described(rest.removesuffix("{").strip())
        place = number or len(level.points) + 1
        point = _Point(name or f"test {place}", not match["bad"], directive, below=below)
        level.points.append(point)
        if number and number != len(level.points):
            self._cases.cut_off(f"point {number} stands in place {len(level.points)}")
        self._seen = True
        if braced and len(self._levels) < DEEPEST:
            self._levels.append(_Level(indent + 4, braced=True))

    def _read_plan(self, match: re.Match[str], indent: int) -> None:
        if indent == 0 and self._levels[0].plan is not None:
            self._begin_anew()
        level = self._level(indent)
        level.plan = int(match["count"])
        self._seen = True
        if not level.plan and _DIRECTIVE.match((match["why"] or "").strip()):
            self._cases.skipped()

    def _read_rest(self, text: str, indent: int) -> None:
        level = self._level_at(indent)
        point = level.points[-1] if level and level.points else None
        if text == "---" and self._last():
            self._yaml = self._last()
        elif text == "}" and self._levels[-1].braced:
            level = self._levels.pop()
            self._check(level)
            self._levels[-1].points[-1].below = level.points
        elif indent == 0 and (told := _FAILED_IN_ALL.fullmatch(text)):
            self._failed_in_all += int(told["count"])
        elif text.startswith("#") and not text.startswith("# Subtest"):
            said = point.said if point else self._header
            said.append(text.removeprefix("#"))

    def _last(self) -> _Point | None:
        """The point that came last, at whatever depth."""
        points = self._levels[-1].points
        return points[-1] if points else None

    def _level_at(self, indent: int) -> _Level | None:
        return next((level for level in self._levels if level.indent == indent), None)

    def _level(self, indent: int) -> _Level:
        """The level at that depth, begun when there is none."""
        found = self._level_at(indent)
        if found is not None:
            return found
        if indent < self._levels[-1].indent or len(self._levels) >= DEEPEST:
            return self._levels[-1]
        self._levels.append(_Level(indent))
        return self._levels[-1]

    def _below(self, indent: int) -> list[_Point]:
        """The points of the subtests that the point at ``indent`` sums up."""
        points: list[_Point] = []
        while self._levels[-1].indent > indent:
            level = self._levels.pop()
            self._check(level)
            points = level.points
        return points

    def _begin_anew(self) -> None:
        """Another document begins."""
        if self._levels[0].points or self._levels[0].plan is not None:
            self._finish()
        self._levels = [_Level(0)]

    def _finish(self) -> None:
        for level in self._levels:
            if level.points or level.plan is not None or level.indent:
                self._check(level)
        for point in (point for level in self._levels for point in level.points):
            self._count(point, ())

    def _check(self, level: _Level) -> None:
        if level.plan is None:
            self._cases.cut_off("it has no plan: the run did not end")
        elif level.plan != len(level.points):
            self._cases.cut_off(f"{level.plan} tests were planned and {len(level.points)} ran")

    def _count(self, point: _Point, above: tuple[str, ...]) -> None:
        """Count those below it and, if they do not tell it all, the point itself."""
        names = (*above, point.name)
        before = self._cases.failures
        for inner in point.below:
            self._count(inner, names)
        if point.below and (point.ok or self._cases.failures > before):
            return
        if point.directive:
            self._cases.skipped()
        elif point.ok:
            self._cases.passed(self._cases.unique(" > ".join(names)))
        else:
            self._fail(point, self._cases.unique(" > ".join(names)))

    def _fail(self, point: _Point, name: str) -> None:
        told = Diagnostics(point.said)
        file = self._cases.clean(point.name, one_line=True)
        unloaded = not point.below and self._cases.clean(told.file) == file
        lines = [*told.lines, *(self._header if unloaded else ())]
        place = Frame(self._cases.clean(told.place[0]), told.place[1]) if told.place else None
        details = "\n".join(lines)
        self._cases.failed(
            name,
            details,
            message=told.message or "not ok",
            phase="collection" if unloaded else "",
            error=unloaded,
            place=place if place and place.own and not told.stack else None,
        )


def _described(rest: str) -> tuple[str, str]:
    """The description and the directive, in small letters; a time is none and is dropped."""
    parts = _HASH.split(rest)
    directives = [
        match for match in (_DIRECTIVE.match(part.strip()) for part in parts[1:]) if match
    ]
    if directives or any(part.strip().startswith("time=") for part in parts[1:]):
        rest = parts[0]
    name = rest.replace("\\#", "#").strip().removeprefix("- ").strip()
    return name, directives[-1]["word"].lower() if directives else ""

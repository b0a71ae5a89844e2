"""What a YAML file may cost, decided before anything is built from it.

A few hundred bytes of aliases expand to gigabytes, a megabyte of brackets to a stack of a million
calls. The events of the parser are counted as they come, with every alias counted as large and
as deep as what it stands for; the first that passes a limit ends the reading. After this a walk
of the tree is bounded in time, memory and recursion. More than one document, and an alias inside
of what it stands for, are refused here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.plan.diagnostics import Problem, Spot

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_VALUES = 100_000
"""Values of a file, aliases expanded; a plan of 1,000 tasks has about 20,000."""

DEEPEST = 24
"""Lists and mappings inside of one another; a plan needs 6."""


@dataclass(slots=True)
class _Size:
    """A value with what is in it: how many values, how deep."""

    anchor: str | None = None
    values: int = 1
    depth: int = 0

    def take(self, part: _Size) -> None:
        self.values += part.values
        self.depth = max(self.depth, part.depth + 1)


def excess(events: Iterable[yaml.Event]) -> Problem | None:
    """Why the file is refused, if it is; raises YAMLError where it is no YAML."""
    gauge = _Gauge()
    for event in events:
        sentence = gauge.judge(event)
        if sentence:
            return Problem(spot_of(event.start_mark), sentence)
    return None


class _Gauge:
    """The running count of one stream."""

    def __init__(self) -> None:
        self._open: list[_Size] = [_Size()]
        self._anchors: dict[str, _Size] = {}
        self._unfinished: set[str] = set()
        self._documents = 0

    def judge(self, event: yaml.Event) -> str:
        """A sentence when ``event`` passes a limit, nothing otherwise."""
        match event:
            case yaml.ScalarEvent():
                return self._took(_Size(event.anchor))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                return self._opened(event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                return self._took(self._open.pop())
            case yaml.AliasEvent():
                return self._repeated(event.anchor)
            case yaml.DocumentStartEvent():
                return self._began()
        return ""

    def _began(self) -> str:
        self._documents += 1
        return "a second document begins; a plan is one" if self._documents > 1 else ""

    def _opened(self, anchor: str | None) -> str:
        self._open.append(_Size(anchor))
        if anchor:
            self._unfinished.add(anchor)
        return _too_deep(len(self._open) - 1)

    def _repeated(self, anchor: str | None) -> str:
        if anchor in self._unfinished:
            return f"the alias '*{anchor}' stands inside of what it stands for"
        # An unknown anchor is the composer's to report.
        whole = self._anchors.get(anchor or "", _Size())
        return self._took(_Size(None, whole.values, whole.depth))

    def _took(self, part: _Size) -> str:
        if part.anchor:
            self._unfinished.discard(part.anchor)
            self._anchors[part.anchor] = part
        self._open[-1].take(part)
        if sum(size.values for size in self._open) > MOST_VALUES:
            return f"the plan holds more than {MOST_VALUES:,} values, aliases counted in full"
        return _too_deep(len(self._open) - 1 + part.depth)


def spot_of(mark: Any) -> Spot | None:
    """The place of a mark of PyYAML, which counts from 0 and of which some events have none."""
    return Spot(mark.line + 1, mark.column + 1) if mark else None


def _too_deep(depth: int) -> str:
    return f"lists and mappings are nested more than {DEEPEST} deep" if depth > DEEPEST else ""

"""Lines of an output with repetitions folded: what was said a hundred times is said once.

Every line knows which bytes of the output it stands for, so that whoever shows some of them can
tell how much lies between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from orchestrator.reports.plain_text import plain_text
from orchestrator.reports.telltales import is_telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE_CHARACTERS = 200
LEAST_SAME = 3
LEAST_ALIKE = 6

_VARYING = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is shown, and the bytes ``start:end`` of the output that it tells of."""

    text: str
    start: int
    end: int

    @property
    def size(self) -> int:
        return len(self.text.encode()) + 1


def folded(data: bytes, start: int, end: int) -> list[Line]:
    """The lines of ``data[start:end]``, without empty ones, safe to show.

    A line said several times is said once, and of a run of lines that differ only in numbers the
    first and the last are left, unless they tell of an error.
    """
    lines = [line for line in _lines(data, start, end) if line.text]
    once = [line for _, run in groupby(lines, lambda line: line.text) for line in _same(run)]
    return [line for key, run in groupby(once, _likeness) for line in _alike(run, key)]


def _lines(data: bytes, start: int, end: int) -> Iterator[Line]:
    for raw in data[start:end].split(b"\n"):
        after = min(start + len(raw) + 1, end)
        yield Line(_shown(raw), start, after)
        start = after


def _shown(raw: bytes) -> str:
    text = plain_text(raw).rstrip()
    return text if len(text) <= LINE_CHARACTERS else text[: LINE_CHARACTERS - 1] + "…"


def _same(run: Iterable[Line]) -> list[Line]:
    lines = list(run)
    if len(lines) < LEAST_SAME:
        return lines
    note = f"[… the same line {len(lines) - 1} times more …]"
    return [lines[0], Line(note, lines[1].start, lines[-1].end)]


def _likeness(line: Line) -> str:
    """What lines that differ only in numbers have in common; an error is like no other."""
    masked = _VARYING.sub("0", line.text)
    return line.text if masked == line.text or is_telling(line.text) else masked


def _alike(run: Iterable[Line], key: str) -> list[Line]:
    lines = list(run)
    if len(lines) < LEAST_ALIKE or key == lines[0].text == lines[-1].text:
        return lines
    note = f"[… {len(lines) - 2} lines like these …]"
    return [lines[0], Line(note, lines[1].start, lines[-2].end), lines[-1]]

"""A session's transcript as a conversation: what it says stands out, what it calls is folded.

Pure: pieces of the file in, lines out. The file has one event a line, its time in front; what an
agent says may go on in lines that are indented. Whatever is not of that shape is shown as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.api.log_views import LogName
from tui.figures import plural
from tui.fit import LINE_LIMIT
from tui.ink import Ink
from tui.line import FOLDED, UNFOLDED, Fold, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([a-z-]+) ?(.*)", re.DOTALL)
_CONTINUED = "    "
_QUIET = frozenset({"calls", "used"})
_LOOKS = {
    "says": ("", Ink.PLAIN),
    "asks": ("? ", Ink.NEEDS_PERSON),
    "finished": ("✓ ", Ink.PASSED),
    "failed": ("✗ ", Ink.BROKEN),
    "rate-limited": ("⚠ rate limit: ", Ink.UNSURE),
    "started": ("started ", Ink.FAINT),
    "ended": ("ended ", Ink.STRONG),
}
_ALL_PRINTED = "all"
_NAMES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Told:
    """One event: when, of which kind (none: a line of another shape), and its text."""

    clock: str
    kind: str
    text: str


class Dialogue:
    """The conversation of one session, as far as it was read."""

    def __init__(self, attempt: int = 0) -> None:
        self._attempt = attempt
        self._runs: list[list[Told]] = []
        self._shown: list[int] = []
        self._open = ""
        self._unfolded: set[int] = set()
        self._all = False

    def add(self, text: str) -> tuple[list[Line], int]:
        """Lines to show, and how many of those shown last they replace.

        A line that has not ended yet is told, too, and replaced by what it becomes.
        """
        changed = max(0, len(self._runs) - 1)
        if self._open and self._take_back():
            changed = max(0, changed - 1)
        *whole, last = (self._open + text).split("\n")
        self._open = last[: LINE_LIMIT + 1]
        for line in (*whole, *filter(None, (self._open,))):
            self._take(line)
        replaced = sum(self._shown[changed:])
        return self._show_from(changed), replaced

    def lines(self) -> list[Line]:
        """All of it."""
        return self._show_from(0)

    def toggle(self, fold: Fold) -> None:
        if isinstance(fold.name, int):
            self._unfolded ^= {fold.name}

    def toggle_all(self) -> None:
        """Unfold everything, or fold everything."""
        self._all = not self._all
        self._unfolded.clear()

    def _take(self, line: str) -> None:
        last = self._runs[-1][-1] if self._runs else None
        if line.startswith(_CONTINUED) and last and last.kind in _LOOKS:
            text = f"{last.text}\n{line.removeprefix(_CONTINUED)}"
            self._runs[-1][-1] = replace(last, text=text)
            return
        told = _told(line)
        if last and last.kind in _QUIET and told.kind in _QUIET:
            self._runs[-1].append(told)
        else:
            self._runs.append([told])

    def _take_back(self) -> bool:
        """Forget the line that had not ended; whether it stood alone."""
        last = self._runs[-1][-1]
        if "\n" in last.text:
            self._runs[-1][-1] = replace(last, text=last.text.rpartition("\n")[0])
            return False
        self._runs[-1].pop()
        if not self._runs[-1]:
            self._runs.pop()
            return True
        return False

    def _show_from(self, first: int) -> list[Line]:
        shown = [
            self._run_lines(number, run) for number, run in enumerate(self._runs[first:], first)
        ]
        self._shown[first:] = map(len, shown)
        return [line for lines in shown for line in lines]

    def _run_lines(self, number: int, run: Sequence[Told]) -> list[Line]:
        if run[0].kind not in _QUIET:
            return _said_lines(run[0], self._attempt)
        calls = [told for told in run if told.kind == "calls"]
        if len(calls) < 2:
            return [_called(told) for told in calls or run[-1:]]
        unfolded = self._all ^ (number in self._unfolded)
        head = Line(
            _in_short(calls, told_apart=not unfolded),
            Ink.DIM,
            f"{_time(run[0].clock)}{UNFOLDED if unfolded else FOLDED}{plural(len(calls), 'call')}  ",
            Ink.RUNNING,
            target=Fold(number),
        )
        return [head, *map(_called, run)] if unfolded else [head]


def _told(line: str) -> Told:
    event = _EVENT.fullmatch(line)
    if event is None or event[2] not in {*_LOOKS, *_QUIET, _ALL_PRINTED}:
        return Told("", "", line)
    return Told(event[1], event[2], event[3])


def _time(clock: str) -> str:
    """The time of day, as wide for every event."""
    try:
        return f"{datetime.fromisoformat(clock).astimezone():%H:%M:%S}  "
    except (ValueError, OverflowError):
        return " " * 10


def _said_lines(told: Told, attempt: int) -> list[Line]:
    if not told.kind:
        return [Line(told.text)]
    if told.kind == _ALL_PRINTED:
        raw = LogName(attempt=attempt, raw=True) if attempt else None
        text = "all that it printed" if raw else told.text
        return [Line(text, Ink.DIM, f"{_time(told.clock)}{FOLDED}", Ink.BRAND, target=raw)]
    sign, ink = _LOOKS[told.kind]
    first, *others = told.text.rstrip().split("\n")
    head = Line(f"{sign}{first}", ink, _time(told.clock), Ink.FAINT)
    return [head, *(Line(text, ink, " " * 10) for text in others)]


def _called(told: Told) -> Line:
    name, _, summary = told.text.partition(" ")
    if told.kind == "used":
        return Line(f"used {told.text}", Ink.FAINT, _time(told.clock), Ink.FAINT)
    return Line(summary, Ink.DIM, f"{_time(told.clock)}· {name} ", Ink.RUNNING)


def _in_short(calls: Sequence[Told], *, told_apart: bool) -> str:
    """How often which tool was called, and what the last call was about."""
    counts = Counter(told.text.partition(" ")[0] for told in calls)
    names = [
        name if n == 1 else f"{name} \u00d7{n}" for name, n in counts.most_common(_NAMES_SHOWN)
    ]
    short = ", ".join([*names, *(["…"] if len(counts) > _NAMES_SHOWN else [])])
    return f"{short} · last: {calls[-1].text}" if told_apart else short

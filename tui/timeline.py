"""Where the time of a task went, drawn: a row an attempt, all on one scale.

Pure: attempts, verifications and the time in, spans out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.states import SETTLED
from tui.figures import show_clock, show_seconds
from tui.ink import Ink, Span
from tui.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.api.models import AttemptView, TaskDetail

_FULL, _SHADED, _QUIET = "█", "▓", "·"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time that something took, in POSIX seconds."""

    begin: float
    end: float
    sign: str
    ink: Ink

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.begin)


def stretches(detail: TaskDetail, attempt: AttemptView, until: float) -> list[Stretch]:
    """What an attempt's session and the verifications after it took, up to ``until``."""
    session = Stretch(attempt.started_at, attempt.ended_at or until, _FULL, Ink.RUNNING)
    return [session] + [
        Stretch(one.started_at, one.ended_at or until, _SHADED, Ink.VERIFYING)
        for one in detail.verifications
        if one.attempt == attempt.number
    ]


def bars(detail: TaskDetail, now: float, width: int) -> dict[int, tuple[Span, ...]]:
    """A bar of ``width`` cells for each attempt, by its number."""
    ends = [*(following.started_at for following in detail.attempts[1:]), _end(detail, now)]
    if not detail.attempts or width < 1:
        return {}
    begin, whole = detail.attempts[0].started_at, ends[-1]
    scale = width / max(whole - begin, 1e-9)
    return {
        attempt.number: _bar(
            Stretch(attempt.started_at, end, _QUIET, Ink.FAINT),
            stretches(detail, attempt, end),
            lambda at: min(width, max(0, int((at - begin) * scale))),
            width,
        )
        for attempt, end in zip(detail.attempts, ends, strict=True)
    }


def scale_line(detail: TaskDetail, now: float, width: int, lead: str) -> Line:
    """When the bars begin and end."""
    begin, end = detail.attempts[0].started_at, _end(detail, now)
    left, right = show_clock(begin), f"{show_clock(end)} ({show_seconds(end - begin)})"
    gap = max(1, width - len(left) - len(right))
    return Line(spans=((f"{lead}{left}{' ' * gap}{right}", Ink.FAINT),))


def legend() -> Line:
    return Line(
        spans=(
            (f"{_FULL} ", Ink.RUNNING),
            ("generating   ", Ink.DIM),
            (f"{_SHADED} ", Ink.VERIFYING),
            ("verifying   ", Ink.DIM),
            (f"{_QUIET} ", Ink.FAINT),
            ("waiting", Ink.DIM),
        )
    )


def waited(attempt: Stretch, parts: Iterable[Stretch]) -> float:
    """The seconds of an attempt in which nothing of it went on."""
    busy, at = 0.0, attempt.begin
    for part in sorted(parts, key=lambda part: part.begin):
        busy += max(0.0, min(part.end, attempt.end) - max(part.begin, at))
        at = max(at, part.end)
    return max(0.0, attempt.seconds - busy)


def _end(detail: TaskDetail, now: float) -> float:
    """When the last thing happened; now, while the task goes on."""
    if detail.task.state not in SETTLED:
        return now
    ended = [attempt.ended_at for attempt in detail.attempts]
    ended += [verification.ended_at for verification in detail.verifications]
    return max([*ended, detail.task.state_since])


def _bar(
    attempt: Stretch, parts: Iterable[Stretch], place: Callable[[float], int], width: int
) -> tuple[Span, ...]:
    cells: list[tuple[str, Ink]] = [(" ", Ink.PLAIN)] * width
    for part in (attempt, *parts):
        first = min(place(part.begin), width - 1)
        for n in range(first, max(first + 1, place(part.end))):
            cells[n] = (part.sign, part.ink)
    spans: list[Span] = []
    for sign, ink in cells:
        if spans and spans[-1][1] is ink:
            spans[-1] = (spans[-1][0] + sign, ink)
        else:
            spans.append((sign, ink))
    return tuple(spans)

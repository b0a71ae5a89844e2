"""The merge queue in lines: what is in line, on top of what it is verified, and what it waits for.

Pure: views and the time in, lines out. Each task in line is a stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.states import QueueMode
from tui.figures import plural, show_seconds
from tui.fit import fit
from tui.ink import Ink, Span
from tui.line import BLANK, Line
from tui.marks import HELD, standing_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.api.models import QueueEntryView, QueueView

NOTHING = (
    Line("Nothing is in line to land.", Ink.STRONG),
    Line("Order what is merge-ready to land on the board: m, or M for all of it.", Ink.DIM),
)
_MODES = {
    QueueMode.STRICT: "strict: every commit of the target is verified",
    QueueMode.TIP: "tip: every value the target takes is verified",
}
_LONGEST_NAME = 30
_ON, _APART = " ━━ ", " ┄┄ "


def queue_lines(queues: Sequence[QueueView], now: float) -> list[Line]:
    """Every queue: how it works, the train as it stands, and each task in line."""
    shown = [line for queue in queues for line in (*_queue_lines(queue, now), BLANK)]
    return shown[:-1] if any(queue.entries for queue in queues) else [*shown, *NOTHING]


def _queue_lines(queue: QueueView, now: float) -> list[Line]:
    lines = [
        Line(
            f"at {queue.commit[:9]}" if queue.commit else "",
            Ink.DIM,
            f"{queue.target}  ",
            Ink.BRAND,
        ),
        Line(_how(queue), Ink.DIM, "  "),
    ]
    if queue.held:
        lines.append(Line(queue.held, Ink.NEEDS_PERSON, f"  {HELD.sign} held: ", Ink.NEEDS_PERSON))
    if queue.entries:
        lines += [BLANK, _train(queue), BLANK]
    width = min(_LONGEST_NAME, max((len(_name(entry)) for entry in queue.entries), default=0))
    return lines + [line for entry in queue.entries for line in _entry_lines(entry, width, now)]


def _how(queue: QueueView) -> str:
    parts = (
        _MODES.get(queue.mode, str(queue.mode)),
        f"{plural(queue.slots, 'candidate')} at once",
        f"{queue.failure_rate:.0%} of candidates expected to be red",
    )
    return "  ·  ".join(parts)


def _train(queue: QueueView) -> Line:
    """The target and what stands behind it, linked where one is verified on top of the other."""
    spans: list[Span] = [(f"  {queue.target}", Ink.BRAND)]
    before = ""
    for entry in queue.entries:
        mark = standing_mark(entry.standing)
        rides = entry.standing in {"verifying", "passed"} and (before in entry.on or not before)
        spans.append((_ON if rides else _APART, mark.ink if rides else Ink.FAINT))
        spans.append((f"{mark.sign} {entry.task}", mark.ink))
        before = entry.task
    return Line(spans=tuple(spans))


def _name(entry: QueueEntryView) -> str:
    return f"take back {entry.task}" if entry.reverts else entry.task


def _entry_lines(entry: QueueEntryView, width: int, now: float) -> list[Line]:
    mark = standing_mark(entry.standing)
    key = (entry.plan, entry.task)
    since = show_seconds(now - entry.since) if entry.since else ""
    lead = f"{entry.position:>3}  {mark.sign} {fit(mark.word, 9)}  {fit(_name(entry), width)}  "
    lines = [
        Line(f"{fit(since, 7, right=True)}  {entry.title}", Ink.DIM, lead, mark.ink, target=key)
    ]
    indent = " " * 7
    if entry.candidate:
        on = f"on top of {', '.join(entry.on)}" if entry.on else "on the target itself"
        lines.append(Line(f"{entry.candidate[:9]} {on}", Ink.FAINT, indent, target=key))
    if entry.reason:
        lines.append(Line(entry.reason, Ink.PLAIN, indent, target=key))
    return lines

"""The two lines above everything: what is being built, how far it is, and what it took.

The counts are buttons: a click on one asks for the tasks of that group alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.message import Message
from textual.widget import Widget

from orchestrator.safe_text import safe_text
from tui.board_model import tally
from tui.drain import is_held, seconds_to_drain
from tui.figures import plural, show_cost, show_seconds, show_tokens
from tui.fit import cut
from tui.groups import MARKS, Group, counted
from tui.ink import Ink, Span
from tui.paint import paint

if TYPE_CHECKING:
    from textual.events import Click
    from textual.strip import Strip

    from orchestrator.api.models import StatusView
    from tui.board_model import Tally

_BAR_SHARE = 6
_BAR_LONGEST = 40
_WIDTH_FOR_TOKENS = 60
_WIDTH_FOR_QUEUE = 90
_FULL, _REST = "━", "─"


class SiteHeader(Widget):
    """Plans, progress, counts, tokens, cost and time, in two lines."""

    ALLOW_SELECT = False

    @dataclass
    class GroupAsked(Message):
        """A person wants to see the tasks of one group."""

        group: Group

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._clock = clock
        self._status: StatusView | None = None
        self._tally = tally(())
        self._queue = ""

    def show(self, status: StatusView | None) -> None:
        """Show the sums of this status."""
        self._status = status
        self._tally = tally(status.plans if status else ())
        self._queue = queue_sentence(status) if status else ""
        self.refresh()

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        group = self._group_at(at.x) if at and at.y == 1 else None
        if group is not None:
            self.post_message(self.GroupAsked(group))

    def _group_at(self, x: int) -> Group | None:
        """The group whose count stands at a column of the second line."""
        before, counts = self._progress(self.size.width)
        x -= sum(cell_len(text) for text, _ in before)
        for group, (text, _) in counts if x >= 0 else ():
            x -= cell_len(text)
            if x < 0:
                return group
        return None

    def tick(self) -> None:
        """Repaint when time goes on."""
        if self._tally.started_at and not self._tally.ended_at:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = (self._place_line, self._progress_line)
        return paint(self, lines[y](width) if y < len(lines) else (), width)

    def _place_line(self, width: int) -> list[Span]:
        right = self._figures(width)
        name: Span = ("clerk  ", Ink.BRAND)
        place = cut(_place(self._status), width - cell_len(name[0]) - cell_len(right) - 2)
        return _spread([name, (place, Ink.DIM)], right, width)

    def _figures(self, width: int) -> str:
        sums = self._tally
        tokens = show_tokens(sums.tokens)
        elapsed = (sums.ended_at or self._clock()) - sums.started_at if sums.started_at else 0
        parts = (
            f"{tokens} tokens" if tokens and width >= _WIDTH_FOR_TOKENS else "",
            f"{show_cost(sums.cost_usd)} spent" if sums.cost_usd else "",
            show_seconds(elapsed) if elapsed else "",
            self._queue if width >= _WIDTH_FOR_QUEUE else "",
        )
        return "  ·  ".join(part for part in parts if part)

    def _progress_line(self, width: int) -> list[Span]:
        before, counts = self._progress(width)
        return [*before, *(span for _, span in counts)]

    def _progress(self, width: int) -> tuple[list[Span], list[tuple[Group, Span]]]:
        """The bar with what landed, and the count of each group that there is room for."""
        sums = self._tally
        if not sums.tasks:
            return [], []
        bar = progress_bar(sums, min(_BAR_LONGEST, width // _BAR_SHARE))
        done: Span = (f"  {sums.merged}/{sums.tasks} landed", Ink.STRONG)
        room = width - sum(cell_len(text) for text, _ in (*bar, done))
        return [*bar, done], _counts(sums, room)


def _counts(sums: Tally, room: int) -> list[tuple[Group, Span]]:
    """How many tasks each group has; whole counts only, as many as there is room for."""
    counts: list[tuple[Group, Span]] = []
    for group, count in sums.groups:
        mark = MARKS[group]
        text = f"   {mark.sign} {count} {counted(group, count)}"
        room -= cell_len(text)
        if room >= 0 and group is not Group.LANDED:
            counts.append((group, (text, mark.ink)))
    return counts


def queue_sentence(status: StatusView) -> str:
    """When the queue will be empty, as far as anybody can tell; never that it is about to be."""
    seconds = seconds_to_drain(status)
    if seconds is None:
        return "queue: no estimate yet"
    if seconds:
        return f"queue empties in ~{show_seconds(max(1.0, seconds))}"
    return "queue held" if is_held(status) else "queue empty"


def progress_bar(sums: Tally, width: int) -> list[Span]:
    """A bar of ``width`` cells: what landed, what is proven, what is in work, what has failed.

    Every kind that occurs gets at least one cell.
    """
    shares = [(ink, _count(sums, inks)) for ink, inks in _PARTS]
    cells = [(ink, max(1, count * width // sums.tasks)) for ink, count in shares if count]
    while sum(size for _, size in cells) > width:
        largest = max(range(len(cells)), key=lambda index: cells[index][1])
        cells[largest] = (cells[largest][0], cells[largest][1] - 1)
    rest = width - sum(size for _, size in cells)
    return [*((_FULL * size, ink) for ink, size in cells), (_REST * rest, Ink.FAINT)]


_PARTS: tuple[tuple[Ink, frozenset[Ink]], ...] = (
    (Ink.MERGED, frozenset({Ink.MERGED})),
    (Ink.MERGE_READY, frozenset({Ink.MERGE_READY, Ink.VERIFIED, Ink.LANDING})),
    (Ink.VERIFYING, frozenset({Ink.VERIFYING})),
    (Ink.RUNNING, frozenset({Ink.RUNNING})),
    (Ink.RETRYING, frozenset({Ink.RETRYING, Ink.NEEDS_PERSON})),
    (Ink.FAILED, frozenset({Ink.FAILED})),
)


def _count(sums: Tally, inks: frozenset[Ink]) -> int:
    return sum(count for mark, count in sums.marks if mark.ink in inks)


def _place(status: StatusView | None) -> str:
    """Where this is, and which plans are on."""
    if status is None:
        return "waiting for the engine"
    repository = PurePath(status.engine.repository).name
    plans = [plan.name for plan in status.plans]
    which = plural(len(plans), "plan") if len(plans) > 1 else "".join(plans)
    return "  ·  ".join(part for part in (repository, which) if part)


def _spread(left: list[Span], right: str, width: int) -> list[Span]:
    used = sum(cell_len(safe_text(text)) for text, _ in left) + cell_len(right)
    return [*left, (" " * max(1, width - used), Ink.PLAIN), (right, Ink.DIM)]

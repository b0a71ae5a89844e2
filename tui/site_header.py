"""The two lines above everything: what is being built, how far it is, and what it took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.widget import Widget

from orchestrator.safe_text import safe_text
from orchestrator.states import TaskState
from tui.board_model import tally
from tui.figures import plural, show_cost, show_seconds, show_tokens
from tui.fit import cut
from tui.ink import Ink, Span
from tui.marks import BY_STATE
from tui.paint import paint

if TYPE_CHECKING:
    from textual.strip import Strip

    from orchestrator.api.models import StatusView
    from tui.board_model import Tally

_BAR_SHARE = 4
_BAR_LONGEST = 40
_WIDTH_FOR_TOKENS = 60
_FULL, _REST = "━", "─"


class SiteHeader(Widget):
    """Plans, progress, counts, tokens, cost and time, in two lines."""

    ALLOW_SELECT = False

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._clock = clock
        self._status: StatusView | None = None
        self._tally = tally(())

    def show(self, status: StatusView | None) -> None:
        """Show the sums of this status."""
        self._status = status
        self._tally = tally(status.plans if status else ())
        self.refresh()

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
            show_cost(sums.cost_usd),
            show_seconds(elapsed) if elapsed else "",
        )
        return "  ".join(part for part in parts if part)

    def _progress_line(self, width: int) -> list[Span]:
        sums = self._tally
        if not sums.tasks:
            return []
        bar = progress_bar(sums, min(_BAR_LONGEST, width // _BAR_SHARE))
        done: Span = (f"  {sums.merged}/{sums.tasks} merged", Ink.STRONG)
        room = width - sum(cell_len(text) for text, _ in (*bar, done))
        return [*bar, done, *_counts(sums, room)]


def _counts(sums: Tally, room: int) -> list[Span]:
    """How many tasks wear each mark; whole counts only, as many as there is room for."""
    spans: list[Span] = []
    for mark, count in sums.marks:
        text = f"   {mark.sign} {count} {mark.word}"
        room -= cell_len(text)
        if room >= 0 and mark is not BY_STATE[TaskState.MERGED]:
            spans.append((text, mark.ink))
    return spans


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

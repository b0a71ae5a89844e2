"""A pane of wrapped lines that scrolls: transcripts, diffs, digests, gates, details.

Painted through the Line API, so that a hundred thousand lines cost what the visible ones cost.
It takes ``Line`` values only, keeps the place of the reader when lines are replaced, and stays
at the end when the reader is at the end of a pane that follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView

from orchestrator.safe_text import safe_text
from tui.fit import wrap
from tui.ink import Ink, Span
from tui.paint import paint

if TYPE_CHECKING:
    from textual.events import Resize
    from textual.strip import Strip

    from tui.story import Line

LINES_KEPT = 50_000
_LINES_LET_GO = 10_000
_LEAD_SHARE = 2
"""A lead wider than one part in so many of the pane is followed by a line of its own."""


class LinesView(ScrollView, can_focus=True):
    """Shows lines; ``follow`` keeps the newest in sight until the reader scrolls away."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False),
        Binding("k,up", "scroll_up", "Up", show=False),
        Binding("space,pagedown", "page_down", "Page down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("g,home", "scroll_home", "Top", show=False),
        Binding("G,end", "scroll_end", "End", show=False),
    ]

    def __init__(self, *, id: str, follow: bool = False) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._follow = follow
        self._at_end = follow
        self._lines: list[Line] = []
        self._rows: list[tuple[Span, ...]] = []
        self._wrapped_at = 0

    @property
    def text(self) -> str:
        """What the pane holds as it is shown, unwrapped ends and all; one line a row."""
        return "\n".join("".join(text for text, _ in row) for row in self._rows)

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines and no others, without moving the reader."""
        if list(lines) == self._lines:
            return
        self._lines = list(lines)
        self._rewrap()

    def extend(self, lines: Sequence[Line], *, instead_of_last: int = 0) -> None:
        """Add lines at the end, in place of the last few when those were provisional."""
        if len(self._lines) > LINES_KEPT:
            self._lines = self._lines[_LINES_LET_GO:]
            self._rows = self._wrap(self._lines)
        for line in self._lines[len(self._lines) - instead_of_last :]:
            del self._rows[len(self._rows) - len(_wrap_line(line, self._width)) :]
        del self._lines[len(self._lines) - instead_of_last :]
        self._lines += lines
        self._rows += self._wrap(lines)
        self._resized()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        spans = self._rows[row] if row < len(self._rows) else ()
        return paint(self, spans, self.size.width)

    def on_resize(self, _event: Resize) -> None:
        if self._width != self._wrapped_at:
            self._rewrap()
        else:
            self._resized()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._at_end = self._follow and new_value >= self.max_scroll_y - 1

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def _rewrap(self) -> None:
        self._wrapped_at = self._width
        self._rows = self._wrap(self._lines)
        self._resized()

    def _wrap(self, lines: Sequence[Line]) -> list[tuple[Span, ...]]:
        return [row for line in lines for row in _wrap_line(line, self._width)]

    def _resized(self) -> None:
        at_end = self._at_end
        self.virtual_size = Size(self._width, len(self._rows))
        if at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)
        self.refresh()


def _wrap_line(line: Line, width: int) -> list[tuple[Span, ...]]:
    """The rows of one line; those after the first are indented by the width of the lead."""
    lead = safe_text(line.lead)
    indent = cell_len(lead)
    if indent * _LEAD_SHARE > width:
        rows: list[tuple[Span, ...]] = [((text, line.lead_ink),) for text in wrap(lead, width)]
        return rows + [((f"  {text}", line.ink),) for text in wrap(line.text, width - 2)]
    first, *others = wrap(line.text, width - indent)
    head: list[tuple[Span, ...]] = [((lead, line.lead_ink), (first, line.ink))]
    return head + [((" " * indent, Ink.PLAIN), (text, line.ink)) for text in others]

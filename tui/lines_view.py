"""A pane of wrapped lines that scrolls: transcripts, diffs, digests, gates, details.

Painted through the Line API, so that a hundred thousand lines cost what the visible ones cost.
It takes ``Line`` values only, keeps the place of the reader when lines are replaced, and stays
at the end when the reader is at the end of a pane that follows. Lines with a target are stops:
Tab goes from one to the next, Enter or a click opens it; what that means is the screen's affair.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from tui.ink import Ground
from tui.paint import paint
from tui.rows import Row, marked, rows_of

if TYPE_CHECKING:
    from textual.events import Click, Resize
    from textual.strip import Strip

    from tui.line import Line

LINES_KEPT = 50_000
_LINES_LET_GO = 10_000
_FAR = 3
"""Rows that are kept in sight before and after what the reader goes to."""


class LinesView(ScrollView, can_focus=True):
    """Shows lines; ``follow`` keeps the newest in sight until the reader scrolls away.

    With ``by_stops`` the keys for lines go from stop to stop, where there are any, from ``chosen``
    on if that is among those that are shown first.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "line(1)", "Down", show=False),
        Binding("k,up", "line(-1)", "Up", show=False),
        Binding("space,pagedown,ctrl+d", "page_down", "Page down", show=False),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False),
        Binding("g,home", "scroll_home", "Top", show=False),
        Binding("G,end", "scroll_end", "End", show=False),
        Binding("tab", "stop(1)", "Next", show=False),
        Binding("shift+tab", "stop(-1)", "Previous", show=False),
        Binding("enter", "open", "Open", tooltip="Open or fold what is chosen"),
        Binding("n", "find(1)", "Next found", tooltip="Where it stands next"),
        Binding("N", "find(-1)", "Found before", show=False),
    ]

    @dataclass
    class StopOpened(Message):
        """A person wants to see what is behind a line of ``pane``."""

        pane: LinesView
        target: Hashable

        @property
        def control(self) -> LinesView:
            return self.pane

    @dataclass
    class StopChosen(Message):
        """A person has gone to this line."""

        pane: LinesView
        target: Hashable

    @dataclass
    class WidthChanged(Message):
        """A pane is wider or narrower than before: what was drawn to its width is not any more."""

        pane: LinesView

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - Textual's name
        follow: bool = False,
        by_stops: bool = False,
        chosen: Hashable = None,
    ) -> None:
        super().__init__(id=id)
        self._follow = follow
        self._at_end = follow
        self._by_stops = by_stops
        self._lines: list[Line] = []
        self._rows: list[Row] = []
        self._stops: list[int] = []
        self._chosen = chosen
        self._sought = ""
        self._found: int | None = None
        self._wrapped_at = 0

    @property
    def text(self) -> str:
        """What the pane holds as it is shown, unwrapped ends and all; one line a row."""
        return "\n".join(row.text for row in self._rows)

    @property
    def chosen(self) -> Hashable:
        """The target of the stop the reader is at, or None."""
        return self._chosen

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
            del self._rows[len(self._rows) - len(rows_of(line, self._width)) :]
        del self._lines[len(self._lines) - instead_of_last :]
        self._lines += lines
        self._rows += self._wrap(lines)
        self._resized()

    def seek(self, words: str) -> None:
        """Mark where ``words`` stands, and go to the first of it at or below the top."""
        self._sought, self._found = words.casefold(), None
        self.refresh_bindings()
        self.refresh()
        if words:
            self._find(self.scroll_offset.y, 1)

    def mark(self, words: str) -> None:
        """Mark where ``words`` stands, and stay."""
        self._sought = words.casefold()
        self.refresh()

    def height_of(self, lines: Sequence[Line]) -> int:
        """How many rows these lines take here."""
        return len(self._wrap(lines))

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return paint(self, (), self.size.width)
        row = self._rows[place]
        spans = marked(row, self._sought) if self._sought else row.spans
        chosen = row.target is not None and row.target == self._chosen and self.has_focus
        under = Ground.CHOSEN if chosen or place == self._found else row.under
        return paint(self, spans, self.size.width, under=under or "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open":
            return bool(self._stops)
        return bool(self._sought) if action == "find" else super().check_action(action, parameters)

    def action_line(self, steps: int) -> None:
        if self._by_stops and self._stops:
            self.action_stop(steps)
        elif steps > 0:
            self.action_scroll_down()
        else:
            self.action_scroll_up()

    def action_stop(self, steps: int) -> None:
        """Go to the stop after or before the chosen one; from afar, to the next in sight."""
        if not self._stops:
            return
        top, height = self.scroll_offset.y, self.size.height
        at = self._place_of_chosen()
        if at is not None and (top <= self._stops[at] < top + height or self._by_stops):
            at = min(max(at + steps, 0), len(self._stops) - 1)
        else:
            at = min(bisect_left(self._stops, top), len(self._stops) - 1)
        self._choose(self._stops[at])

    def action_open(self) -> None:
        at = self._place_of_chosen()
        if at is None:
            self.action_stop(1)
        if self._chosen is not None:
            self.post_message(self.StopOpened(self, self._chosen))

    def action_find(self, steps: int) -> None:
        at = self.scroll_offset.y if self._found is None else self._found + steps
        self._find(at, steps)

    def on_click(self, event: Click) -> None:
        place = event.get_content_offset(self)
        row = place.y + self.scroll_offset.y if place else len(self._rows)
        if row < len(self._rows) and (target := self._rows[row].target) is not None:
            known = target == self._chosen
            self._choose(row)
            if known or not self._by_stops:
                self.post_message(self.StopOpened(self, target))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self, _event: Resize) -> None:
        if self._width != self._wrapped_at:
            self._rewrap()
            self.post_message(self.WidthChanged(self))
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

    def _wrap(self, lines: Sequence[Line]) -> list[Row]:
        return [row for line in lines for row in rows_of(line, self._width)]

    def _resized(self) -> None:
        at_end, had = self._at_end, bool(self._stops)
        self._stops = _stops(self._rows)
        if self._by_stops and self._stops and self._place_of_chosen() is None:
            self._choose(self._stops[0], scroll=False)
        self.virtual_size = Size(self._width, len(self._rows))
        if self._by_stops and not had and (at := self._place_of_chosen()):
            self._bring_into_sight(self._stops[at])
        if at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)
        if had != bool(self._stops):
            self.refresh_bindings()
        self.refresh()

    def _place_of_chosen(self) -> int | None:
        """Which stop is chosen, if it is still there."""
        if self._chosen is None:
            return None
        places = (n for n, row in enumerate(self._stops) if self._rows[row].target == self._chosen)
        return next(places, None)

    def _choose(self, row: int, *, scroll: bool = True) -> None:
        self._chosen = self._rows[row].target
        self.post_message(self.StopChosen(self, self._chosen))
        if scroll:
            self._bring_into_sight(row)
        self.refresh()

    def _find(self, start: int, steps: int) -> None:
        """Go to the next row from ``start`` on that holds what is sought; past the end, begin anew."""
        count = len(self._rows)
        for far in range(count):
            row = (start + far * steps) % count
            if self._sought in self._rows[row].text.casefold():
                self._found = row
                self.scroll_to(y=max(0, row - _FAR), animate=False, immediate=True)
                self.refresh()
                return
        self.app.bell()

    def _bring_into_sight(self, row: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if row < top + 1:
            self.scroll_to(y=max(0, row - _FAR), animate=False, immediate=True)
        elif row >= top + height - 1:
            self.scroll_to(y=row - height + 1 + _FAR, animate=False, immediate=True)


def _stops(rows: Sequence[Row]) -> list[int]:
    """The rows in which stops begin; rows of one target that follow one another are one."""
    before: Hashable = None
    stops = []
    for number, row in enumerate(rows):
        if row.target is not None and row.target != before:
            stops.append(number)
        before = row.target
    return stops

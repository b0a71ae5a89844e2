"""The board: every task in a row, painted line by line.

An own table instead of ``DataTable``, which takes most of a core at twenty updates a second
(this one takes about a twentieth of that). A row is formatted when it comes into sight; a new
state repaints the rows that differ; a tick of the clock repaints those whose time goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from orchestrator.states import SETTLED, TaskState
from tui.board_model import Key, PlanRow, Row, TaskRow
from tui.columns import lay_out
from tui.fit import cut
from tui.ink import Ink, Span
from tui.paint import paint
from tui.row_line import heading_line, plan_line, task_line

if TYPE_CHECKING:
    from textual.events import Click, Resize
    from textual.strip import Strip

    from tui.columns import Column

_STILL = SETTLED | {TaskState.PENDING}
_HEADING_HEIGHT = 1
_BAR = "▌"


class TaskBoard(ScrollView, can_focus=True):
    """A table of tasks with one of them selected."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "board--heading",
        "board--plan",
        "board--selected",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", tooltip="Show all about the selected task"),
        Binding("j,down", "move(1)", "Next task", show=False),
        Binding("k,up", "move(-1)", "Previous task", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("g,home", "ends(-1)", "First task", show=False),
        Binding("G,end", "ends(1)", "Last task", show=False),
    ]

    selected: reactive[Key | None] = reactive(None, repaint=False)

    @dataclass
    class SelectionChanged(Message):
        """Another task is selected, or none."""

        key: Key | None

    @dataclass
    class TaskOpened(Message):
        """A person wants to see all about a task."""

        key: Key

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._clock = clock
        self._rows: tuple[Row, ...] = ()
        self._places: dict[Key, int] = {}
        self._columns: tuple[Column, ...] = ()
        self._nothing: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def show(self, rows: tuple[Row, ...], *, nothing: Sequence[str] = ()) -> None:
        """Show these rows; ``nothing`` is said in their place when there are none."""
        before, self._rows = self._rows, rows
        said, self._nothing = self._nothing, tuple(nothing)
        self._places = {
            row.key: place for place, row in enumerate(rows) if isinstance(row, TaskRow)
        }
        columns = self._lay_out()
        if columns != self._columns or len(rows) != len(before) or said != self._nothing:
            self._columns = columns
            self.virtual_size = Size(self._width, len(rows) + _HEADING_HEIGHT)
            self.refresh()
        else:
            self._repaint([n for n in self._in_sight if rows[n] != before[n]])
        self._keep_selection(before)

    def tick(self) -> None:
        """Repaint what the clock changes."""
        self._repaint([place for place in self._in_sight if _goes_on(self._rows[place])])

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._rows:
            return paint(self, self._empty_line(y), width)
        if y < _HEADING_HEIGHT:
            spans = [(" ", Ink.PLAIN), *heading_line(self._columns)]
            return paint(self, spans, width, under="board--heading")
        place = y - _HEADING_HEIGHT + self.scroll_offset.y
        if place >= len(self._rows):
            return paint(self, (), width)
        return self._paint_row(self._rows[place], width)

    def _paint_row(self, row: Row, width: int) -> Strip:
        if isinstance(row, PlanRow):
            spans = [(" ", Ink.PLAIN), *plan_line(row, self._width - 1)]
            return paint(self, spans, width, under="board--plan")
        chosen = row.key == self.selected
        bar: Span = (_BAR, Ink.BRAND) if chosen else (" ", Ink.PLAIN)
        spans = [bar, *task_line(row.task, self._columns, self._clock())]
        return paint(self, spans, width, under="board--selected" if chosen else "")

    def _empty_line(self, y: int) -> list[Span]:
        line = y - max(0, (self.size.height - len(self._nothing)) // 3)
        if not 0 <= line < len(self._nothing):
            return []
        text = cut(self._nothing[line], self._width)
        centred = text.center(self._width) if self._width else text
        return [(centred, Ink.STRONG if line == 0 else Ink.DIM)]

    def watch_selected(self, before: Key | None, now: Key | None) -> None:
        places = [self._places[key] for key in (before, now) if key in self._places]
        self._repaint([place for place in places if place in self._in_sight])
        self.post_message(self.SelectionChanged(now))

    def action_move(self, steps: int) -> None:
        keys = list(self._places)
        if not keys:
            return
        at = keys.index(self.selected) + steps if self.selected in self._places else 0
        self._select(keys[min(max(at, 0), len(keys) - 1)])

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - _HEADING_HEIGHT - 1))

    def action_ends(self, end: int) -> None:
        self.action_move(end * len(self._rows))

    def action_open(self) -> None:
        if self.selected in self._places and self.selected is not None:
            self.post_message(self.TaskOpened(self.selected))

    def on_click(self, event: Click) -> None:
        place = event.y - _HEADING_HEIGHT + self.scroll_offset.y
        if event.y < _HEADING_HEIGHT or not 0 <= place < len(self._rows):
            return
        row = self._rows[place]
        if isinstance(row, TaskRow):
            self._select(row.key)
            if event.chain == 2:
                self.action_open()

    def on_resize(self, _event: Resize) -> None:
        self._columns = self._lay_out()
        self.virtual_size = Size(self._width, len(self._rows) + _HEADING_HEIGHT)
        self._scroll_to_selected()
        self.refresh()

    def _select(self, key: Key) -> None:
        self.selected = key
        self._scroll_to_selected()

    def _keep_selection(self, before: Sequence[Row]) -> None:
        """Stay on the selected task; when it is gone, on the one that took its place."""
        if self.selected in self._places or not self._places:
            return
        old = [row.key for row in before if isinstance(row, TaskRow)]
        keys = list(self._places)
        at = old.index(self.selected) if self.selected in old else 0
        self._select(keys[min(at, len(keys) - 1)])

    def _scroll_to_selected(self) -> None:
        if self.selected is None or self.selected not in self._places:
            return
        place = self._places[self.selected]
        page = self.size.height - _HEADING_HEIGHT
        top = 0 if place == 1 else place  # the heading of the first plan comes along
        if place < self.scroll_target_y or top < self.scroll_target_y:
            self.scroll_to(y=top, animate=False, immediate=True)
        elif page > 0 and place >= self.scroll_target_y + page:
            self.scroll_to(y=place - page + 1, animate=False, immediate=True)

    def _lay_out(self) -> tuple[Column, ...]:
        tasks = [row.task for row in self._rows if isinstance(row, TaskRow)]
        return lay_out(self._width - len(_BAR), tasks)

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _in_sight(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(len(self._rows), top + max(0, self.size.height - _HEADING_HEIGHT)))

    def _repaint(self, places: Sequence[int]) -> None:
        if places:
            top = self.scroll_offset.y - _HEADING_HEIGHT
            self.refresh(*(Region(0, place - top, self.size.width, 1) for place in places))


def _goes_on(row: Row) -> bool:
    return isinstance(row, TaskRow) and row.task.state not in _STILL

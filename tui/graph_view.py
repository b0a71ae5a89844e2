"""The dependencies, drawn: scrolls both ways, and goes from task to task along the lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from tui.board_model import Key
from tui.graph_canvas import GraphCanvas
from tui.paint import paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.events import Click
    from textual.strip import Strip

    from orchestrator.api.models import PlanView

_AROUND = Spacing(2, 6, 2, 6)
"""What is kept in sight around the task the reader goes to."""


class GraphView(ScrollView, can_focus=True):
    """A drawing of plans with one task selected."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", tooltip="Show all about the selected task"),
        Binding("j,down", "level(1)", "Below", show=False),
        Binding("k,up", "level(-1)", "Above", show=False),
        Binding("l,right", "follow(1)", "What comes after", show=False),
        Binding("h,left", "follow(-1)", "What it comes after", show=False),
        Binding("pagedown,ctrl+d", "page_down", "Page down", show=False),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False),
        Binding("g,home", "ends(0)", "First task", show=False),
        Binding("G,end", "ends(-1)", "Last task", show=False),
    ]

    selected: reactive[Key | None] = reactive(None)

    @dataclass
    class SelectionChanged(Message):
        """Another task is selected, or none."""

        key: Key | None

    @dataclass
    class TaskOpened(Message):
        """A person wants to see all about a task."""

        key: Key

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._canvas = GraphCanvas()

    def show(self, plans: Sequence[PlanView]) -> None:
        """Draw these plans; the selection stays on its task while that is there."""
        self._canvas.take(plans)
        self.virtual_size = Size(self._canvas.width, self._canvas.height)
        if self._canvas.place(self.selected) is None:
            self.selected = next(iter(self._canvas.tasks()), None)
        self.refresh()

    def select(self, key: Key | None) -> None:
        """Go to a task, if it is there."""
        if self._canvas.place(key) is not None:
            self.selected = key

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        strip = paint(self, self._canvas.row(y + top, self.selected), self._canvas.width)
        width = self.size.width
        return strip.crop(left, left + width).adjust_cell_length(width, self.rich_style)

    def watch_selected(self, key: Key | None) -> None:
        node = self._canvas.place(key)
        if node is not None:
            self.scroll_to_region(
                Region(node.x, node.y, node.width, 1), spacing=_AROUND, animate=False
            )
        self.post_message(self.SelectionChanged(key))

    def action_open(self) -> None:
        if self.selected is not None:
            self.post_message(self.TaskOpened(self.selected))

    def action_level(self, steps: int) -> None:
        """Go to the next task above or below, the nearest in its column if there is one."""
        here = self._canvas.place(self.selected)
        if here is None:
            return
        nodes = [(key, node) for key in self._canvas.tasks() if (node := self._canvas.place(key))]
        ahead = [(key, node) for key, node in nodes if (node.y - here.y) * steps > 0]
        near = [(key, node) for key, node in ahead if node.x == here.x] or ahead
        if near:
            self.selected = min(near, key=lambda found: abs(found[1].y - here.y))[0]

    def action_follow(self, steps: int) -> None:
        """Go along a line to the nearest task it leads to."""
        here = self._canvas.place(self.selected)
        if here is None or self.selected is None:
            return
        linked = self._canvas.linked(self.selected, behind=steps > 0)
        nodes = [(key, node) for key in linked if (node := self._canvas.place(key))]
        if nodes:
            self.selected = min(
                nodes, key=lambda found: (abs(found[1].y - here.y), abs(found[1].x - here.x))
            )[0]

    def action_ends(self, end: int) -> None:
        keys = self._canvas.tasks()
        if keys:
            self.selected = keys[end]

    def on_click(self, event: Click) -> None:
        key = self._canvas.at(event.x + self.scroll_offset.x, event.y + self.scroll_offset.y)
        if key is not None:
            self.selected = key
            if event.chain == 2:
                self.action_open()

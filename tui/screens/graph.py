"""What depends on what, drawn; and in a few lines the task the person is at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.board_model import find_task
from tui.graph_view import GraphView
from tui.ink import Ink
from tui.line import Line
from tui.lines_view import LinesView
from tui.screens.place import PlaceScreen
from tui.story import facts

if TYPE_CHECKING:
    from textual.app import ComposeResult


class GraphScreen(PlaceScreen):
    """The dependencies of every plan."""

    CSS_PATH = "graph.tcss"
    place = "graph"

    def view(self) -> ComposeResult:
        yield GraphView(id="graph")
        yield LinesView(id="graph-facts")

    def on_mount(self) -> None:
        self.query_one("#graph-facts").can_focus = False
        self.call_next(self.query_one(GraphView).select, self.key)

    def show_view(self) -> None:
        status = self.site.status
        self.query_one(GraphView).show(status.plans if status else ())
        self.tick_view()

    def tick_view(self) -> None:
        task = find_task(self.site.status, self.key)
        shown = facts(task, self.clock()) if task else [Line("No plan is known yet.", Ink.DIM)]
        self.query_one("#graph-facts", LinesView).show(shown)

    def on_graph_view_selection_changed(self, event: GraphView.SelectionChanged) -> None:
        self.key = event.key
        self.tick_view()

    def on_graph_view_task_opened(self, event: GraphView.TaskOpened) -> None:
        self.open_task(event.key)

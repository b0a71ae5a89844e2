"""What depends on what, drawn; and in a few lines the task the person is at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from tui.board_model import find_task
from tui.graph_view import GraphView
from tui.ink import Ink
from tui.key_bar import KeyBar
from tui.line import Line
from tui.lines_view import LinesView
from tui.places_line import PlacesLine
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader
from tui.story import facts

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.site import Site


class GraphScreen(OrderScreen):
    """The dependencies of every plan."""

    CSS_PATH = "graph.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back to where you came from"),
    ]

    def compose(self) -> ComposeResult:
        yield SiteHeader(self.clock, id="header")
        yield PlacesLine("graph")
        yield Banner(id="banner")
        yield GraphView(id="graph")
        yield LinesView(id="graph-facts")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#graph-facts").can_focus = False
        self.query_one("#graph").focus()
        self.set_interval(1.0, self._tick)
        wanted = self.key
        self.watch(self.app, "site", self.show_site)
        self.query_one(GraphView).select(wanted)

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(SiteHeader).show(site.status)
        self.query_one(Banner).show(site)
        self.query_one(GraphView).show(site.status.plans if site.status else ())
        self._show_facts()

    def on_graph_view_selection_changed(self, event: GraphView.SelectionChanged) -> None:
        self.key = event.key
        self._show_facts()

    def on_graph_view_task_opened(self, event: GraphView.TaskOpened) -> None:
        self.app.push_screen(TaskScreen(event.key, self.connect, self.clock))

    def _show_facts(self) -> None:
        task = find_task(self.site.status, self.key)
        shown = facts(task, self.clock()) if task else [Line("No plan is known yet.", Ink.DIM)]
        self.query_one("#graph-facts", LinesView).show(shown)

    def _tick(self) -> None:
        self.query_one(SiteHeader).tick()
        self._show_facts()

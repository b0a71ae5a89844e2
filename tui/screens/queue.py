"""The merge queue: what lands next, and why the rest does not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from tui.ink import Ink
from tui.key_bar import KeyBar
from tui.line import Line
from tui.lines_view import LinesView
from tui.places_line import PlacesLine
from tui.queue_story import queue_lines
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.site import Site


class QueueScreen(OrderScreen):
    """Everything that is in line to land."""

    CSS_PATH = "queue.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back to where you came from"),
    ]

    def compose(self) -> ComposeResult:
        yield SiteHeader(self.clock, id="header")
        yield PlacesLine("queue")
        yield Banner(id="banner")
        yield LinesView(id="queue", by_stops=True)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#queue").focus()
        self.set_interval(1.0, self._tick)
        self.watch(self.app, "site", self.show_site)

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(SiteHeader).show(site.status)
        self.query_one(Banner).show(site)
        self._show_queues()

    def on_lines_view_stop_chosen(self, event: LinesView.StopChosen) -> None:
        if isinstance(event.target, tuple):
            self.key = (str(event.target[0]), str(event.target[1]))

    def on_lines_view_stop_opened(self, event: LinesView.StopOpened) -> None:
        if isinstance(event.target, tuple):
            key = (str(event.target[0]), str(event.target[1]))
            self.app.push_screen(TaskScreen(key, self.connect, self.clock))

    def _show_queues(self) -> None:
        status = self.site.status
        told = queue_lines(status.queues, self.clock()) if status else [_NO_ENGINE]
        self.query_one("#queue", LinesView).show(told)

    def _tick(self) -> None:
        self.query_one(SiteHeader).tick()
        self._show_queues()


_NO_ENGINE = Line("No engine answers yet.", Ink.STRONG)

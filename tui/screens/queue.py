"""The merge queue: what lands next, why the rest does not yet, and what will conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import anyio
from textual.binding import Binding, BindingType
from textual.message import Message

from orchestrator.errors import ClerkError
from tui.conflict_story import conflict_lines
from tui.ink import Ink
from tui.key_bar import KeyBar
from tui.line import Line
from tui.lines_view import LinesView
from tui.news import News
from tui.places_line import PlacesLine
from tui.queue_story import queue_lines
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from orchestrator.api.conflict_views import ConflictsView
    from tui.site import Site


SECONDS_BETWEEN_QUESTIONS = 2.0


@dataclass
class ConflictsRead(Message):
    """Which branches in flight will conflict."""

    conflicts: ConflictsView


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
        self._changed = News()
        self._conflicts: ConflictsView | None = None
        self.query_one("#queue").focus()
        self.set_interval(1.0, self._tick)
        self.watch(self.app, "site", self.show_site)
        self.run_worker(self._ask(), group="conflicts")

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(SiteHeader).show(site.status)
        self.query_one(Banner).show(site)
        self._changed.came()
        self._show_queues()

    def on_conflicts_read(self, message: ConflictsRead) -> None:
        self._conflicts = message.conflicts
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
        if self._conflicts is not None:
            told += conflict_lines(self._conflicts)
        self.query_one("#queue", LinesView).show(told)

    async def _ask(self) -> None:
        """Ask which branches in flight will conflict, now and then while something goes on."""
        while True:
            await self._changed.wait()
            try:
                async with self.connect() as engine:
                    self.post_message(ConflictsRead(await engine.conflicts()))
            except ClerkError:
                continue  # the banner says so, and a status that comes back wakes us
            await anyio.sleep(SECONDS_BETWEEN_QUESTIONS)

    def _tick(self) -> None:
        self.query_one(SiteHeader).tick()
        self._show_queues()


_NO_ENGINE = Line("No engine answers yet.", Ink.STRONG)

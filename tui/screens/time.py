"""Where time went: to agents, to checks, to waiting; and which checks make a verdict slow.

What tasks spent comes with every status; the checks' figures are asked for when a plan's checks
have gone on, and not more often than a person would notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import anyio
from textual.binding import Binding, BindingType
from textual.message import Message

from orchestrator.errors import ClerkError
from tui.key_bar import KeyBar
from tui.lines_view import LinesView
from tui.news import News
from tui.places_line import PlacesLine
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader
from tui.time_story import time_lines

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from orchestrator.api.timing_views import TimingView
    from tui.site import Site

SECONDS_BETWEEN_QUESTIONS = 2.0


@dataclass
class TimingRead(Message):
    """How fast the checks of a plan are."""

    timing: TimingView


class TimeScreen(OrderScreen):
    """Where time went."""

    CSS_PATH = "time.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back to where you came from"),
    ]

    def compose(self) -> ComposeResult:
        yield SiteHeader(self.clock, id="header")
        yield PlacesLine("time")
        yield Banner(id="banner")
        yield LinesView(id="time", by_stops=True)
        yield KeyBar()

    def on_mount(self) -> None:
        self._timings: dict[str, TimingView] = {}
        self._changed = News()
        self.query_one("#time").focus()
        self.watch(self.app, "site", self.show_site)
        self.run_worker(self._ask(), group="timing")

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(SiteHeader).show(site.status)
        self.query_one(Banner).show(site)
        self._changed.came()
        self._show()

    def on_lines_view_width_changed(self) -> None:
        self._show()

    def on_timing_read(self, message: TimingRead) -> None:
        self._timings[message.timing.plan] = message.timing
        self._show()

    def on_lines_view_stop_chosen(self, event: LinesView.StopChosen) -> None:
        if isinstance(event.target, tuple):
            self.key = (str(event.target[0]), str(event.target[1]))

    def on_lines_view_stop_opened(self, event: LinesView.StopOpened) -> None:
        if isinstance(event.target, tuple):
            key = (str(event.target[0]), str(event.target[1]))
            self.app.push_screen(TaskScreen(key, self.connect, self.clock))

    def _show(self) -> None:
        pane = self.query_one("#time", LinesView)
        plans = self.site.status.plans if self.site.status else ()
        pane.show(time_lines(plans, self._timings, pane.scrollable_content_region.width))

    async def _ask(self) -> None:
        while True:
            await self._changed.wait()
            plans = self.site.status.plans if self.site.live and self.site.status else ()
            try:
                async with self.connect() as engine:
                    for plan in plans:
                        self.post_message(TimingRead(await engine.timing(plan.name)))
            except ClerkError:
                continue  # the banner says so, and a status that comes back wakes us
            await anyio.sleep(SECONDS_BETWEEN_QUESTIONS)

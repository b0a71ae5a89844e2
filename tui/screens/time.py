"""Where time went: to agents, to checks, to waiting; and which checks make a verdict slow.

What tasks spent comes with every status; the checks' figures are asked for when a plan's checks
have gone on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.lines_view import LinesView
from tui.screens.place import PlaceScreen
from tui.time_story import time_lines

if TYPE_CHECKING:
    from orchestrator.api.timing_views import TimingView
    from tui.engine_port import Engine


@dataclass
class TimingRead(Message):
    """How fast the checks of a plan are."""

    timing: TimingView


class TimeScreen(PlaceScreen):
    """Where time went."""

    CSS_PATH = "time.tcss"
    place = "time"

    def on_mount(self) -> None:
        self._timings: dict[str, TimingView] = {}
        self.ask_on_news(self._ask)

    def on_lines_view_width_changed(self) -> None:
        self.show_view()

    def on_timing_read(self, message: TimingRead) -> None:
        self._timings[message.timing.plan] = message.timing
        self.show_view()

    def show_view(self) -> None:
        pane = self.query_one("#time", LinesView)
        plans = self.site.status.plans if self.site.status else ()
        pane.show(time_lines(plans, self._timings, pane.scrollable_content_region.width))

    async def _ask(self, engine: Engine) -> None:
        for plan in self.site.status.plans if self.site.live and self.site.status else ():
            self.post_message(TimingRead(await engine.timing(plan.name)))

"""What the places have in common: the site above, the keys below, and between them one view.

A place is gone to from anywhere and left by Escape. Where it shows lines, those that lead to a task
are what orders are about. What a place must ask the engine for beyond the status it asks whenever
something has changed, and not more often than a person would notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
from textual.binding import Binding, BindingType

from orchestrator.errors import ClerkError
from tui.key_bar import KeyBar
from tui.lines_view import LinesView
from tui.news import News
from tui.places_line import PlacesLine
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from tui.board_model import Key
    from tui.engine_port import Connect, Engine
    from tui.site import Site

SECONDS_BETWEEN_QUESTIONS = 2.0


class PlaceScreen(OrderScreen):
    """A place by its ``place``; its view has that id, and is a pane of lines unless it says else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back to where you came from"),
    ]
    place: ClassVar[str]

    def __init__(
        self, connect: Connect, clock: Callable[[], float], key: Key | None = None
    ) -> None:
        super().__init__(connect, clock, key)
        self._changed = News()

    def compose(self) -> ComposeResult:
        yield SiteHeader(self.clock, id="header")
        yield PlacesLine(self.place)
        yield Banner(id="banner")
        yield from self.view()
        yield KeyBar()

    def view(self) -> ComposeResult:
        yield LinesView(id=self.place, by_stops=True, chosen=self.key)

    def show_view(self) -> None:
        """Show what is known now: each place in its own way."""

    def tick_view(self) -> None:
        """Move what the clock moves."""

    def on_mount(self) -> None:
        self.query_one(f"#{self.place}").focus()
        self.set_interval(1.0, self._tick)
        self.watch(self.app, "site", self.show_site)

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(SiteHeader).show(site.status)
        self.query_one(Banner).show(site)
        self._changed.came()
        self.show_view()

    def open_task(self, key: Key) -> None:
        self.app.push_screen(TaskScreen(key, self.connect, self.clock))

    def on_lines_view_stop_chosen(self, event: LinesView.StopChosen) -> None:
        if isinstance(event.target, tuple):
            self.key = event.target

    def on_lines_view_stop_opened(self, event: LinesView.StopOpened) -> None:
        if isinstance(event.target, tuple):
            self.open_task(event.target)

    def ask_on_news(self, ask: Callable[[Engine], Awaitable[None]]) -> None:
        """Have ``ask`` asked now and then while something goes on."""
        self.run_worker(self._asking(ask), group="asking")

    async def _asking(self, ask: Callable[[Engine], Awaitable[None]]) -> None:
        while True:
            await self._changed.wait()
            try:
                async with self.connect() as engine:
                    await ask(engine)
            except ClerkError:
                continue  # the banner says so, and a status that comes back wakes us
            await anyio.sleep(SECONDS_BETWEEN_QUESTIONS)

    def _tick(self) -> None:
        self.query_one(SiteHeader).tick()
        self.tick_view()

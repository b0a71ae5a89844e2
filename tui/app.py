"""The dashboard's application: wiring, global keys and theme, no behaviour of its own.

One worker follows the engine (``feed``) and posts messages; the handlers here keep the one
``site`` value all screens watch. Leaving ends nothing but the dashboard.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from orchestrator.api.calls import Calls, sentence
from orchestrator.api.client import EngineClient
from orchestrator.errors import EngineUnreachable
from tui import terminal
from tui.board_model import tally
from tui.feed import EngineLost, StatusRead, follow
from tui.groups import Group, counted
from tui.places import HOME, PLACES
from tui.places_line import PlacesLine
from tui.screens.board import BoardScreen
from tui.screens.graph import GraphScreen
from tui.screens.help import HelpScreen
from tui.screens.order_screen import OrderScreen
from tui.screens.queue import QueueScreen
from tui.screens.time import TimeScreen
from tui.site import Site
from tui.theme import CLERK, CLERK_LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path, PurePath

    from textual.screen import Screen

    from orchestrator.api.models import StatusView, TaskView
    from tui.engine_port import Connect

SERVER_SECONDS = 5.0
_GOODBYE = "The engine goes on; come back with: clerk"


@dataclass(frozen=True, slots=True)
class Manner:
    """How the dashboard behaves towards its person."""

    bell: bool = True
    notices: terminal.Notices = terminal.Notices.NONE
    light: bool = False


class ClerkApp(App[None]):
    """The dashboard."""

    TITLE = "Clerk of Works"
    DEFAULT_MODE = "board"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["ink.tcss", "app.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "question_mark",
            "help",
            "Help",
            id="app.help",
            key_display="?",
            tooltip="Keys and marks",
        ),
        Binding(
            "T",
            "turn_light",
            "Light or dark",
            id="app.light",
            show=False,
            tooltip="Light or dark theme",
        ),
        *(
            Binding(
                place.key,
                f"visit('{place.name}')",
                place.label,
                id=f"app.{place.name}",
                tooltip=place.tooltip,
                show=False,
            )
            for place in (HOME, *PLACES.values())
        ),
        Binding("q", "quit", "Quit", id="app.quit", tooltip="Leave; the engine goes on"),
    ]

    site: reactive[Site] = reactive(Site())

    def __init__(
        self,
        connect: Connect,
        *,
        clock: Callable[[], float] = time.time,
        manner: Manner | None = None,
    ) -> None:
        super().__init__()
        self._connect = connect
        self._clock = clock
        self._manner = manner or Manner()
        self._calls = Calls()
        self._told = ""
        self._started_by = 0
        self.register_theme(CLERK)
        self.register_theme(CLERK_LIGHT)
        self.theme = CLERK_LIGHT.name if self._manner.light else CLERK.name
        self.add_mode(self.DEFAULT_MODE, lambda: BoardScreen(connect, clock))

    def on_mount(self) -> None:
        self.say_to_terminal(terminal.SAVE_TITLE)
        if self.is_web:
            self._started_by = os.getppid()
            self.set_interval(SERVER_SECONDS, self._leave_with_the_server)
        self.run_worker(follow(self._connect, self.post_message), group="feed")

    def _leave_with_the_server(self) -> None:
        """A page's process has nobody left once the server that started it is gone."""
        if os.getppid() != self._started_by:
            self.exit()

    def on_unmount(self) -> None:
        self.say_to_terminal(terminal.RESTORE_TITLE)

    def on_status_read(self, message: StatusRead) -> None:
        self.site = self.site.told(message.status)
        self._call(self._calls.hear(message.status))
        self._entitle(title_of(message.status))

    def on_engine_lost(self, message: EngineLost) -> None:
        self.site = self.site.lost(message.reason)
        self._entitle("clerk: no engine")

    def say_to_terminal(self, sequence: str) -> None:
        """Write a sequence of ``terminal`` past what is painted."""
        if self._driver is not None and sequence:
            self._driver.write(sequence)

    def _call(self, needy: tuple[TaskView, ...]) -> None:
        """Tell of new needs, once, and all of them together."""
        if not needy:
            return
        if self._manner.bell:
            self.bell()
        more = f" and {len(needy) - 1} more" if len(needy) > 1 else ""
        self.say_to_terminal(terminal.notice(self._manner.notices, sentence(needy[0]) + more))

    def _entitle(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self.say_to_terminal(terminal.title(text))

    def action_visit(self, place: str) -> None:
        """Go to a place, from another one straight there."""
        if place == HOME.name:
            while len(self.screen_stack) > 1:
                self.pop_screen()
            return
        here, screen = self.screen, _SCREENS[place]
        if isinstance(here, screen):
            return
        key = here.key if isinstance(here, OrderScreen) else None
        there = screen(self._connect, self._clock, key)
        if isinstance(here, tuple(_SCREENS.values())):
            self.switch_screen(there)
        else:
            self.push_screen(there)

    def on_places_line_place_wanted(self, message: PlacesLine.PlaceWanted) -> None:
        self.action_visit(message.place)

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    def action_turn_light(self) -> None:
        self.theme = CLERK_LIGHT.name if self.current_theme.dark else CLERK.name

    async def action_quit(self) -> None:
        self.exit(message=_GOODBYE if self.site.live else None)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: what can be ordered now, then what Textual brings."""
        if isinstance(screen, OrderScreen):
            yield from screen.commands()
        for place in PLACES.values():
            yield SystemCommand(place.label, place.tooltip, partial(self.action_visit, place.name))
        yield from super().get_system_commands(screen)


_SCREENS: dict[str, type[QueueScreen | GraphScreen | TimeScreen]] = {
    "queue": QueueScreen,
    "graph": GraphScreen,
    "time": TimeScreen,
}


def title_of(status: StatusView) -> str:
    """The terminal's title: what waits for a person, or that nothing does."""
    counts = dict(tally(status.plans).groups)
    parts = (
        f"{counts[group]} {counted(group, counts[group])}"
        for group in (Group.NEEDS_YOU, Group.READY)
        if group in counts
    )
    return f"clerk: {', '.join(parts) or 'nothing needs you'}"


def run(find_socket: Callable[[], Path | None], manner: Manner | None = None) -> None:
    """Show the repository's engine until the person leaves.

    Another engine may listen elsewhere: where it does is asked at each connection.
    """

    def connect() -> EngineClient:
        socket = find_socket()
        if socket is None:
            raise EngineUnreachable("no engine runs here; start one with: clerk start")
        return EngineClient.on_socket(socket)

    ClerkApp(connect, manner=manner).run()

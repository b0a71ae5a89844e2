"""The dashboard's application: wiring, global keys and theme, no behaviour of its own.

One worker follows the engine (``feed``) and posts messages; the handlers here keep the one
``site`` value all screens watch. Leaving ends nothing but the dashboard.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from orchestrator.api.client import EngineClient
from orchestrator.states import TaskState
from tui.feed import EngineLost, StatusRead, follow
from tui.orders import ORDERS, is_possible
from tui.screens.board import BoardScreen
from tui.screens.help import HelpScreen
from tui.screens.order_screen import OrderScreen
from tui.site import Site
from tui.theme import CLERK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path, PurePath

    from textual.screen import Screen

    from orchestrator.api.models import StatusView
    from tui.board_model import Key
    from tui.engine_port import Connect

_GOODBYE = "The engine goes on; come back with: clerk"


class ClerkApp(App[None]):
    """The dashboard."""

    TITLE = "Clerk of Works"
    DEFAULT_MODE = "board"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["ink.tcss", "app.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", tooltip="Keys and marks"),
        Binding("q", "quit", "Quit", tooltip="Leave; the engine goes on"),
    ]

    site: reactive[Site] = reactive(Site())

    def __init__(self, connect: Connect, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._connect = connect
        self.register_theme(CLERK)
        self.theme = CLERK.name
        self.add_mode(self.DEFAULT_MODE, lambda: BoardScreen(connect, clock))

    def on_mount(self) -> None:
        self.run_worker(follow(self._connect, self.post_message), group="feed")

    def on_status_read(self, message: StatusRead) -> None:
        before = self.site.status
        self.site = self.site.told(message.status)
        if before is not None and _asking(message.status) - _asking(before):
            self.bell()

    def on_engine_lost(self, message: EngineLost) -> None:
        self.site = self.site.lost(message.reason)

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    async def action_quit(self) -> None:
        self.exit(message=_GOODBYE if self.site.live else None)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: what can be ordered now, then what Textual brings."""
        if isinstance(screen, OrderScreen):
            for order in ORDERS.values():
                if is_possible(order.name, screen.scene):
                    yield SystemCommand(
                        order.label,
                        order.tooltip,
                        lambda name=order.name: screen.action_order(name),
                    )
        yield from super().get_system_commands(screen)


def _asking(status: StatusView) -> set[Key]:
    return {
        (task.plan, task.id)
        for plan in status.plans
        for task in plan.tasks
        if task.state is TaskState.NEEDS_INPUT
    }


def run(socket: Path) -> None:
    """Show the engine that listens on ``socket`` until the person leaves."""
    ClerkApp(lambda: EngineClient.on_socket(socket)).run()

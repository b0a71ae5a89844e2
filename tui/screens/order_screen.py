"""What every screen with a task on it can do: hold the keys of the orders and carry them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from orchestrator.errors import ClerkError
from orchestrator.safe_text import safe_text
from tui.ink import INKS
from tui.orders import (
    ORDERS,
    is_possible,
    possible_orders,
    scene,
    tell_done,
    tell_refused,
)
from tui.screens.question import QuestionScreen
from tui.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.notifications import SeverityLevel

    from orchestrator.api.models import ActionView
    from tui.board_model import Key
    from tui.engine_port import Connect
    from tui.orders import Order, Scene

_NOTICE_LIMIT = 400


class OrderScreen(Screen[None]):
    """A screen whose ``key`` names the task that orders are about."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(INKS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            order.key,
            f"order('{order.name}')",
            order.label,
            id=f"order.{order.name}",
            tooltip=order.tooltip,
            show=order.in_footer,
        )
        for order in ORDERS.values()
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-low"), (30, "-high")]  # noqa: RUF012

    key: reactive[Key | None] = reactive(None, repaint=False, init=False)

    def __init__(self, connect: Connect, clock: Callable[[], float]) -> None:
        super().__init__()
        self.connect = connect
        self.clock = clock
        self.site = Site()
        self._possible: frozenset[str] = frozenset()

    @property
    def scene(self) -> Scene:
        """What orders would be about now."""
        return scene(self.site, self.key)

    def show_site(self, site: Site) -> None:
        """Take in what the engine told; subclasses show it."""
        self.site = site
        self.refresh_orders()

    def watch_key(self) -> None:
        self.refresh_orders()

    def refresh_orders(self) -> None:
        """Rebuild the footer when other orders are possible than before; it is dear."""
        possible = possible_orders(self.scene)
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the orders that make no sense now."""
        if action != "order":
            return super().check_action(action, parameters)
        return is_possible(str(parameters[0]), self.scene)

    def action_order(self, name: str) -> None:
        self._give_order(ORDERS[name], self.scene)

    @work(group="orders")
    async def _give_order(self, order: Order, scene: Scene) -> None:
        text = ""
        if order.question:
            answer = await self.app.push_screen_wait(QuestionScreen(order.question(scene)))
            if answer is None:
                return
            text = answer
        try:
            async with self.connect() as engine:
                results = await order.carry_out(engine, scene, text)
        except ClerkError as error:
            self._say(str(error), severity="error")
        else:
            self._tell(order, results)

    def _tell(self, order: Order, results: list[ActionView]) -> None:
        done = tell_done(order, results)
        if done:
            self._say(done, severity="information")
        for refusal in tell_refused(results):
            self._say(refusal, severity="warning")

    def _say(self, text: str, *, severity: SeverityLevel) -> None:
        self.notify(safe_text(text, limit=_NOTICE_LIMIT), severity=severity, markup=False)

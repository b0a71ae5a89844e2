"""What every screen with a task on it can do: hold the keys of the orders and carry them out.

It also holds the ways to where the work is: editor, shell, the branch's name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

import anyio
from textual import work
from textual.app import SuspendNotSupported, SystemCommand
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
    tell_done,
    tell_refused,
)
from tui.scene import scene
from tui.screens.question import QuestionScreen
from tui.site import Site
from tui.workplace import WAYS, command, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.notifications import SeverityLevel

    from orchestrator.api.models import ActionView, DiffView
    from tui.board_model import Key
    from tui.engine_port import Connect
    from tui.orders import Order
    from tui.scene import Scene

_NOTICE_LIMIT = 400
WORK_PATIENCE_SECONDS = 2.0
"""How long a question waits for what git says about the work; then it is put without."""


class OrderScreen(Screen[None]):
    """A screen whose ``key`` names the task that orders are about."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(INKS)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                order.key,
                f"order('{order.name}')",
                order.label,
                id=f"order.{order.name}",
                tooltip=order.tooltip,
                show=order.in_footer,
                key_display=order.shown_key or None,
            )
            for order in ORDERS.values()
        ),
        *(
            Binding(
                way.key,
                f"go('{way.name}')",
                way.label,
                id=f"go.{way.name}",
                tooltip=way.tooltip,
                show=False,
            )
            for way in WAYS.values()
        ),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-low"), (30, "-high")]  # noqa: RUF012

    key: reactive[Key | None] = reactive(None, repaint=False, init=False)

    def __init__(
        self, connect: Connect, clock: Callable[[], float], key: Key | None = None
    ) -> None:
        super().__init__()
        self.set_reactive(OrderScreen.key, key)
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
        """Hide the orders and ways that make no sense now."""
        if action == "order":
            return is_possible(str(parameters[0]), self.scene)
        if action == "go":
            return self._is_open(str(parameters[0]))
        return super().check_action(action, parameters)

    def _is_open(self, way: str) -> bool:
        """Whether there is such a way now; a browser has no terminal to give away."""
        reachable = not (WAYS[way].take_over and self.app.is_web)
        return reachable and WAYS[way].possible(self.scene)

    def commands(self) -> Iterator[SystemCommand]:
        """What can be ordered or gone to now, for the palette."""
        for order in ORDERS.values():
            if is_possible(order.name, self.scene):
                yield SystemCommand(
                    order.label,
                    order.tooltip,
                    lambda name=order.name: self.action_order(name),
                )
        for way in WAYS.values():
            if self._is_open(way.name):
                yield SystemCommand(
                    way.label, way.tooltip, lambda name=way.name: self.action_go(name)
                )

    def action_go(self, name: str) -> None:
        """Lend the terminal to an editor or a shell, or copy the branch's name."""
        task = self.scene.task
        if task is None:
            return
        if not WAYS[name].take_over:
            self.app.copy_to_clipboard(safe_text(task.branch, one_line=True))
            self._say(f"copied: {task.branch}", severity="information")
            return
        try:
            with self.app.suspend():
                problem = visit(command(name, os.environ), task.worktree)
        except SuspendNotSupported:
            problem = f"this terminal cannot be lent; the worktree is {task.worktree}"
        if problem:
            self._say(problem, severity="error")

    def action_order(self, name: str) -> None:
        self._give_order(ORDERS[name], self.scene)

    @work(group="orders")
    async def _give_order(self, order: Order, scene: Scene) -> None:
        text = ""
        if order.question:
            work = await self._look_at_work(scene) if order.shows_work else None
            question = order.question(scene, work)
            answer = await self.app.push_screen_wait(QuestionScreen(question))
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

    async def _look_at_work(self, scene: Scene) -> DiffView | None:
        """The commits and files an order is about, if they are to be had soon."""
        if scene.task is None:
            return None
        try:
            with anyio.move_on_after(WORK_PATIENCE_SECONDS):
                async with self.connect() as engine:
                    return await engine.diff(scene.task.plan, scene.task.id)
        except ClerkError:
            pass  # the question is put without; the order itself tells what is wrong
        return None

    def _tell(self, order: Order, results: list[ActionView]) -> None:
        done = tell_done(order, results)
        if done:
            self._say(done, severity="information")
        for refusal in tell_refused(results):
            self._say(refusal, severity="warning")

    def _say(self, text: str, *, severity: SeverityLevel) -> None:
        self.notify(safe_text(text, limit=_NOTICE_LIMIT), severity=severity, markup=False)

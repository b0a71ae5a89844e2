"""The first screen: all tasks, and below them the selected one in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Footer, Input

from tui.board_model import Order, find_task, fold
from tui.lines_view import LinesView
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader
from tui.story import brief_checks, closed_gates, facts
from tui.task_board import TaskBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from tui.engine_port import Connect
    from tui.site import Site

_NO_ENGINE = ("No engine answers yet", "start one with: clerk run PLAN")
_NO_PLAN = ("Nothing is being built", "hand in a plan with: clerk run PLAN")
_NO_MATCH = ("No task matches the filter", "Escape shows all of them again")


class BoardScreen(OrderScreen):
    """The board."""

    CSS_PATH = "board.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only what matches"),
        Binding("escape", "show_all", "Show all", tooltip="Drop the filter"),
        Binding("o", "order_by", "Sort", show=False, tooltip="As in the plan, or by need"),
    ]

    def __init__(self, connect: Connect, clock: Callable[[], float]) -> None:
        super().__init__(connect, clock)
        self._words = ""
        self._filtering = False
        self._sorted = Order.PLAN

    def compose(self) -> ComposeResult:
        yield SiteHeader(self.clock, id="header")
        yield Banner(id="banner")
        with Container(id="body"):
            yield TaskBoard(self.clock, id="tasks")
            with Container(id="details"):
                yield LinesView(id="facts")
                yield LinesView(id="checks")
                yield LinesView(id="gates")
        yield Input(placeholder="filter: words of the id, title, state, agent, reason", id="filter")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#tasks").focus()
        self.set_interval(1.0, self._tick)
        self.watch(self.app, "site", self.show_site)

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(SiteHeader).show(site.status)
        self.query_one(Banner).show(site)
        self._show_rows()
        self._show_details()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "show_all":
            return self._filtering
        if action in {"filter", "order_by"}:
            return bool(self.site.status and self.site.status.plans)
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()
        self._set_filtering(filtering=True)

    def action_show_all(self) -> None:
        field = self.query_one("#filter", Input)
        field.remove_class("-open")
        field.value = ""
        self.query_one("#tasks").focus()
        self._set_filtering(filtering=False)

    def _set_filtering(self, *, filtering: bool) -> None:
        self._filtering = filtering
        self.refresh_bindings()

    def action_order_by(self) -> None:
        orders = list(Order)
        self._sorted = orders[(orders.index(self._sorted) + 1) % len(orders)]
        self._show_rows()
        self.notify(f"Sorted: {self._sorted.value}", markup=False, timeout=2)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._words = event.value
        self._show_rows()

    def on_input_submitted(self) -> None:
        if not self._words.strip():
            self.action_show_all()
        self.query_one("#tasks").focus()

    def on_task_board_selection_changed(self, event: TaskBoard.SelectionChanged) -> None:
        self.key = event.key
        self._show_details()

    def on_task_board_task_opened(self, event: TaskBoard.TaskOpened) -> None:
        self.app.push_screen(TaskScreen(event.key, self.connect, self.clock))

    def _show_rows(self) -> None:
        status = self.site.status
        board = self.query_one(TaskBoard)
        if status is None or not status.plans:
            board.show((), nothing=_NO_PLAN if status else _NO_ENGINE)
            return
        rows = fold(status, words=self._words, order=self._sorted)
        board.show(rows, nothing=_NO_MATCH)

    def _show_details(self) -> None:
        task = find_task(self.site.status, self.key)
        self.query_one("#details").set_class(task is None, "-empty")
        if task is None:
            return
        self.query_one("#facts", LinesView).show(facts(task, self.clock()))
        self.query_one("#checks", LinesView).show(brief_checks(task))
        self.query_one("#gates", LinesView).show(closed_gates(task))

    def _tick(self) -> None:
        """Move what the clock moves; nothing is painted while nothing goes on."""
        self.query_one(SiteHeader).tick()
        self.query_one(TaskBoard).tick()
        self._show_details()

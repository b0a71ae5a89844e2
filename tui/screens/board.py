"""The first screen: all tasks, and below them the selected one in a few lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input, Static

from tui.board_model import Order, Sieve, find_task, fold
from tui.groups import Group, group_of
from tui.key_bar import KeyBar
from tui.lines_view import LinesView
from tui.places_line import PlacesLine
from tui.plain import plain
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.screens.task import TaskScreen
from tui.site_header import SiteHeader
from tui.story import brief_checks, closed_gates, facts
from tui.task_board import TaskBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from tui.engine_port import Connect
    from tui.site import Site

_NO_ENGINE = ("No engine answers yet", "start one with: clerk run PLAN")
_NO_PLAN = ("Nothing is being built", "hand in a plan with: clerk run PLAN")
_NO_MATCH = ("No task matches the filter", "Escape shows all of them again")


T = TypeVar("T")


class BoardScreen(OrderScreen):
    """The board."""

    CSS_PATH = "board.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            id="board.filter",
            key_display="/",
            tooltip="Show only tasks with these words",
        ),
        Binding(
            "escape",
            "show_all",
            "Show all",
            id="board.show_all",
            tooltip="Drop every filter",
        ),
        Binding(
            "f",
            "next_group(1)",
            "By state",
            id="board.next_group",
            show=False,
            tooltip="Only what needs you, then only what is ready, …",
        ),
        Binding(
            "F",
            "next_group(-1)",
            "By state",
            id="board.previous_group",
            show=False,
            tooltip="The state before",
        ),
        Binding(
            "v",
            "next_plan",
            "By plan",
            id="board.next_plan",
            show=False,
            tooltip="Only the next plan's tasks",
        ),
        Binding(
            "o",
            "order_by",
            "Sort",
            id="board.order_by",
            show=False,
            tooltip="By what needs you, or as in the plan",
        ),
    ]

    def __init__(self, connect: Connect, clock: Callable[[], float]) -> None:
        super().__init__(connect, clock)
        self._sieve = Sieve()
        self._typing = False
        self._sorted = Order.ATTENTION

    def compose(self) -> ComposeResult:
        yield SiteHeader(self.clock, id="header")
        yield PlacesLine("board")
        yield Banner(id="banner")
        with Container(id="body"):
            yield TaskBoard(self.clock, id="tasks")
            with Container(id="details"):
                yield LinesView(id="facts")
                yield LinesView(id="checks")
                yield LinesView(id="gates")
        yield Static("", id="sieve", markup=False)
        yield Input(placeholder="filter: words of the id, title, state, agent, reason", id="filter")
        yield KeyBar()

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
        plans = self.site.status.plans if self.site.status else ()
        if action == "show_all":
            return self._typing or bool(self._sieve)
        if action == "next_plan":
            return len(plans) > 1
        if action in {"filter", "order_by", "next_group"}:
            return bool(plans)
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        field.focus()
        self._typing = True
        self.refresh_bindings()

    def action_show_all(self) -> None:
        self._close_field()
        self.query_one("#filter", Input).value = ""
        self._sift(Sieve())

    def action_next_group(self, steps: int) -> None:
        """The next group that has tasks, then all again."""
        plans = self.site.status.plans if self.site.status else ()
        there = {group_of(task) for plan in plans for task in plan.tasks}
        group = _following(self._sieve.group, [group for group in Group if group in there], steps)
        self._sift(replace(self._sieve, group=group))

    def action_next_plan(self) -> None:
        names = [plan.name for plan in self.site.status.plans] if self.site.status else []
        self._sift(replace(self._sieve, plan=_following(self._sieve.plan or None, names, 1) or ""))

    def action_order_by(self) -> None:
        orders = list(Order)
        self._sorted = orders[(orders.index(self._sorted) + 1) % len(orders)]
        self._show_rows()
        self.notify(f"Sorted: {self._sorted.value}", markup=False, timeout=2)

    def on_site_header_group_asked(self, event: SiteHeader.GroupAsked) -> None:
        again = self._sieve.group is event.group
        self._sift(replace(self._sieve, group=None if again else event.group))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._sift(replace(self._sieve, words=event.value))

    def on_input_submitted(self) -> None:
        if not self._sieve.words.strip():
            self._close_field()
        self.query_one("#tasks").focus()

    def on_task_board_selection_changed(self, event: TaskBoard.SelectionChanged) -> None:
        self.key = event.key
        self._show_details()

    def on_task_board_task_opened(self, event: TaskBoard.TaskOpened) -> None:
        self.app.push_screen(TaskScreen(event.key, self.connect, self.clock))

    def _close_field(self) -> None:
        self.query_one("#filter", Input).remove_class("-open")
        self.query_one("#tasks").focus()
        self._typing = False
        self.refresh_bindings()

    def _sift(self, sieve: Sieve) -> None:
        before, self._sieve = self._sieve, sieve
        parts = (sieve.group, sieve.plan and f"plan {sieve.plan}")
        told = ", ".join(part for part in parts if part)
        line = self.query_one("#sieve", Static)
        line.set_class(bool(told), "-shown")
        line.update(plain(f"only: {told}  (Escape: all)", one_line=True))
        if bool(before) != bool(sieve):
            self.refresh_bindings()
        self._show_rows()

    def _show_rows(self) -> None:
        status = self.site.status
        board = self.query_one(TaskBoard)
        if status is None or not status.plans:
            board.show((), nothing=_NO_PLAN if status else _NO_ENGINE)
            return
        rows = fold(status, self._sieve, order=self._sorted)
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


def _following(now: T | None, choices: Sequence[T], steps: int) -> T | None:
    """The choice after ``now`` in a ring that begins with none of them."""
    ring: list[T | None] = [None, *choices]
    at = ring.index(now) if now in ring else 0
    return ring[(at + steps) % len(ring)]

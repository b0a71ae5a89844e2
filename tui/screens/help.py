"""What the keys do and what the marks mean, taken from the tables that define them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.ink import INKS, Ink
from tui.line import BLANK, Line
from tui.lines_view import LinesView
from tui.marks import (
    BY_VERDICT,
    CACHED,
    CHECKING,
    GATE_AWAITED,
    GATE_OPEN,
    GATE_REFUSED,
    LEGEND,
    SKIPPED,
    UNCHECKED,
)
from tui.orders import ORDERS
from tui.places import HOME, PLACES
from tui.workplace import WAYS

if TYPE_CHECKING:
    from textual.app import ComposeResult

_KEYS = (
    ("Enter", "all about the selected task; Escape leads back"),
    ("j k ↓ ↑", "next and previous task; g and G: first and last"),
    ("/", "filter by words of the id, title, state, agent or reason"),
    ("f F", "only the next state, or the one before; a click on a count does the same"),
    ("v", "only the next plan"),
    ("o", "sort by what needs you first, or as in the plan"),
    ("T", "light or dark theme"),
    ("1-6 ← →", "on a task: the panes"),
    ("[ ]", "on a task: the log of another attempt"),
    ("Tab Enter", "on a task: the next thing that opens or folds; opens it; f: folds all"),
    ("/ n N", "on a task or a log: look for words; the next, the one before"),
    ("1-9 g G", "on a log: tenths of it; its beginning, its end"),
    ("Ctrl+P", "all commands, themes"),
    ("q", "quit; the engine and its agents go on"),
)
_GATES = (GATE_OPEN, GATE_AWAITED, GATE_REFUSED)


class HelpScreen(ModalScreen[None]):
    """Keys and marks."""

    CSS_PATH = "help.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(INKS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(id="help"):
            yield Static("Keys and marks", id="help-title", markup=False)
            yield LinesView(id="help-lines")

    def on_mount(self) -> None:
        lines = self.query_one(LinesView)
        lines.show(help_lines())
        lines.focus()


def help_lines() -> list[Line]:
    """The help, as lines."""
    keys = [
        *((order.key_told, order.tooltip) for order in ORDERS.values()),
        *((way.key, way.tooltip) for way in WAYS.values()),
        *((place.key, place.tooltip) for place in (HOME, *PLACES.values())),
        *_KEYS,
    ]
    checks = (*BY_VERDICT.values(), CHECKING, CACHED, SKIPPED, UNCHECKED)
    return [
        *(Line(what, Ink.PLAIN, f"{key:<9}", Ink.BRAND) for key, what in keys),
        BLANK,
        Line("A task is", Ink.HEADING),
        *(Line(mark.word, Ink.PLAIN, f"{mark.sign} ", mark.ink) for mark in LEGEND),
        BLANK,
        Line("A check has", Ink.HEADING),
        *(Line(mark.word, Ink.PLAIN, f"{mark.sign} ", mark.ink) for mark in checks),
        BLANK,
        Line("A gate is", Ink.HEADING),
        *(Line(mark.word, Ink.PLAIN, f"{mark.sign} ", mark.ink) for mark in _GATES),
        BLANK,
        Line(
            "The time of a task is how long it is where it is; of a settled one, the work it took."
        ),
    ]

"""One question before an order goes out: yes or no, or a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui.plain import plain

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.questions import Question


class QuestionScreen(ModalScreen[str | None]):
    """Dismissed with the text typed ("" when none was asked for), or None for no."""

    CSS_PATH = "question.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "refuse", "No", tooltip="Go back and change nothing"),
        Binding("y", "agree", "Yes", tooltip="Do it"),
        Binding("n", "refuse", "No", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__(classes="-grave" if question.grave else "")
        self._question = question

    def compose(self) -> ComposeResult:
        question = self._question
        with Vertical(id="dialog"):
            yield Static(plain(question.title, one_line=True), id="question-title", markup=False)
            with VerticalScroll(id="question-lines", can_focus=False):
                for line in question.lines:
                    yield Static(plain(line), markup=False)
            if question.hint:
                yield Input(placeholder=question.hint, id="question-text")
            with Horizontal(id="question-buttons"):
                yield Button(plain(question.yes), id="yes", compact=True)
                yield Button("Go back", id="no", compact=True)

    def on_mount(self) -> None:
        first = (
            "#question-text" if self._question.hint else "#no" if self._question.grave else "#yes"
        )
        self.query_one(first).focus()

    def action_agree(self) -> None:
        text = self.query_one(Input).value.strip() if self._question.hint else ""
        if self._question.needs_text and not text:
            self.query_one(Input).focus()
        else:
            self.dismiss(text)

    def action_refuse(self) -> None:
        self.dismiss(None)

    def on_input_submitted(self) -> None:
        self.action_agree()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_agree()
        else:
            self.action_refuse()

"""The line in which a person types what is looked for in a pane; hidden until asked for."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class SearchField(Input):
    """Opened by the screen; Escape closes it and hands the focus back to ``pane``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close", tooltip="Look for nothing"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="look for; n and N go on", id="search", compact=True)

    def open(self) -> None:
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Hide it, with what it holds."""
        self.remove_class("-open")

    def action_give_up(self) -> None:
        self.value = ""
        self.post_message(self.Submitted(self, ""))

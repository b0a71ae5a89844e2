"""The line that says where one is, and where else one can go; a click goes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget

from tui.ink import Ink, Span
from tui.paint import paint
from tui.places import HOME, PLACES

if TYPE_CHECKING:
    from textual.events import Click
    from textual.strip import Strip

_GAP: Span = ("   ", Ink.PLAIN)


class PlacesLine(Widget):
    """Every place with its key; the one that is shown stands out."""

    ALLOW_SELECT = False

    @dataclass
    class PlaceWanted(Message):
        """A person clicked on a place."""

        place: str

    def __init__(self, here: str) -> None:
        super().__init__(id="places")
        self._here = here

    def render_line(self, y: int) -> Strip:
        return paint(self, self._spans() if y == 0 else (), self.size.width)

    def on_click(self, event: Click) -> None:
        right = 0
        for place in (HOME, *PLACES.values()):
            left, right = right, right + sum(len(text) for text, _ in self._place_spans(place.name))
            if left <= event.x < right:
                self.post_message(self.PlaceWanted(place.name))

    def _spans(self) -> list[Span]:
        return [
            span for place in (HOME, *PLACES.values()) for span in self._place_spans(place.name)
        ]

    def _place_spans(self, name: str) -> list[Span]:
        place = HOME if name == HOME.name else PLACES[name]
        if name == self._here:
            return [(f"{place.key} {place.label}", Ink.CHOSEN), _GAP]
        return [(f"{place.key} ", Ink.BRAND), (place.label, Ink.DIM), _GAP]

"""The keys that make sense now, on the last line; a click on one presses it.

Painted like everything else. Textual's own footer makes a widget of each key, anew whenever another
task is selected, which took longer than all the rest of a key's way. Where there is no room for all,
those before the last few go: help and quit always stand there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.widget import Widget

from tui.ink import Ink, Span
from tui.paint import paint
from tui.plain import plain

if TYPE_CHECKING:
    from textual.events import Click, MouseMove
    from textual.screen import Screen
    from textual.strip import Strip

_GAP = "  "
_KEPT_AT_THE_END = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """One key as it is shown; ``width`` takes in the gap after it."""

    key: str
    display: str
    label: str
    tooltip: str

    @property
    def width(self) -> int:
        return cell_len(f"{self.display} {self.label}{_GAP}")


def fitting(keys: list[Shown], width: int) -> list[Shown]:
    """As many as there is room for, the last few among them."""
    end = keys[-_KEPT_AT_THE_END:]
    room = width - sum(key.width for key in end)
    begin: list[Shown] = []
    for key in keys[: len(keys) - len(end)]:
        room -= key.width
        if room < 0:
            break
        begin.append(key)
    return [*begin, *end]


class KeyBar(Widget):
    """One line of keys."""

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._look)
        self._look(self.screen)

    def _look(self, screen: Screen[object]) -> None:
        """Repaint for what can be pressed by now, once a screen is in front."""
        if screen is self.app.screen:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        spans: list[Span] = [(" ", Ink.PLAIN)] if y == 0 else []
        for key in self._keys() if y == 0 else ():
            spans += [(key.display, Ink.BRAND), (f" {key.label}{_GAP}", Ink.DIM)]
        return paint(self, spans, self.size.width)

    def on_click(self, event: Click) -> None:
        if key := self._key_at(event.x):
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: MouseMove) -> None:
        key = self._key_at(event.x)
        if key is None:
            self.tooltip = None
        else:
            self.tooltip = plain(key.tooltip)

    def _key_at(self, x: int) -> Shown | None:
        x -= 1
        for key in self._keys():
            if 0 <= x < key.width - len(_GAP):
                return key
            x -= key.width
        return None

    def _keys(self) -> list[Shown]:
        """What is to be shown of all that is bound: each action once."""
        active = [one for one in self.screen.active_bindings.values() if one.binding.show]
        first = {one.binding.action: one for one in reversed(active)}
        keys = [
            Shown(
                one.binding.key,
                self.app.get_key_display(one.binding),
                one.binding.description,
                one.binding.tooltip,
            )
            for one in active
            if first[one.binding.action] is one and one.enabled
        ]
        return fitting(keys, self.size.width - 1)

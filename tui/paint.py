"""Spans to strips: the only place of the dashboard where text meets a style.

Every segment a widget of ours paints is made here, and ``safe_text`` has the last word on each,
whatever the code above forgot. Colours come from the component classes of the widget's screen
(one set a screen: a set a widget makes Textual match styles for thousands of nodes);
translucent ones are blended with the background they stand on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from textual.color import Color
    from textual.screen import Screen
    from textual.widget import Widget

    from tui.ink import Ink, Span


_KNOWN: WeakKeyDictionary[Screen[object], tuple[str, dict[tuple[Ink, Color], Style]]] = (
    WeakKeyDictionary()
)
"""By screen: the theme, and the styles looked up since it was chosen."""


def paint(widget: Widget, spans: Iterable[Span], width: int, *, under: str = "") -> Strip:
    """One line of ``width`` cells on ``widget``.

    ``under`` names a component class, of the widget or of its screen, whose background lies below
    the line.
    """
    ground = widget.background_colors[1]
    if under:
        owner = widget if under in widget.COMPONENT_CLASSES else widget.screen
        ground += owner.get_component_styles(under).background
    base = Style.from_color(bgcolor=ground.rich_color)
    styles = _styles_of(widget)
    segments = [
        Segment(safe_text(text).replace("\n", " "), styles(ink, ground))
        for text, ink in spans
        if text
    ]
    return Strip(segments).adjust_cell_length(width, base)


def _styles_of(widget: Widget) -> Callable[[Ink, Color], Style]:
    """The style of an ink on a ground, looked up once for as long as the theme stays."""
    screen = widget.screen
    theme, known = _KNOWN.get(screen, ("", {}))
    if theme != widget.app.theme:
        known = {}
        _KNOWN[screen] = widget.app.theme, known

    def style(ink: Ink, ground: Color) -> Style:
        found = known.get((ink, ground))
        if found is None:
            styles = screen.get_component_styles(ink)
            found = known[ink, ground] = _style(ground, styles.color, styles.text_style)
        return found

    return style


@lru_cache(maxsize=1_024)
def _style(ground: Color, ink: Color, text_style: Style) -> Style:
    """The style of ``ink`` on ``ground``; few differ, and each is dear to build."""
    return Style.from_color((ground + ink).rich_color, ground.rich_color) + text_style

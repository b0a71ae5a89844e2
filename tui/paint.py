"""Spans to strips: the only place of the dashboard where text meets a style.

Every segment a widget of ours paints is made here, and ``safe_text`` has the last word on each,
whatever the code above forgot. Colours come from the widget's component classes; translucent
ones are blended with the background they stand on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from textual.color import Color
    from textual.widget import Widget

    from tui.ink import Ink, Span


def paint(widget: Widget, spans: Iterable[Span], width: int, *, under: str = "") -> Strip:
    """One line of ``width`` cells on ``widget``.

    ``under`` names a component class whose background, and text style, lie below the line.
    """
    ground = widget.background_colors[1]
    below = Style()
    if under:
        styles = widget.get_component_styles(under)
        ground += styles.background
        below = styles.text_style
    base = Style.from_color(bgcolor=ground.rich_color) + below
    segments = [
        Segment(safe_text(text).replace("\n", " "), base + _ink_style(widget, ink, ground))
        for text, ink in spans
        if text
    ]
    return Strip(segments).adjust_cell_length(width, base)


def _ink_style(widget: Widget, ink: Ink, ground: Color) -> Style:
    styles = widget.get_component_styles(ink)
    return Style.from_color((ground + styles.color).rich_color) + styles.text_style

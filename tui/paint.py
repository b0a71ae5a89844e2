"""Spans to strips: the only place of the dashboard where text meets a style.

Every segment a widget of ours paints is made here, and ``safe_text`` has the last word on each,
whatever the code above forgot. Colours come from the widget's component classes; translucent
ones are blended with the background they stand on.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from textual.color import Color
    from textual.widget import Widget

    from tui.ink import Span


def paint(widget: Widget, spans: Iterable[Span], width: int, *, under: str = "") -> Strip:
    """One line of ``width`` cells on ``widget``.

    ``under`` names a component class whose background lies below the line.
    """
    ground = widget.background_colors[1]
    if under:
        ground += widget.get_component_styles(under).background
    base = Style.from_color(bgcolor=ground.rich_color)
    segments = [
        Segment(
            safe_text(text).replace("\n", " "),
            _style(base, ground, styles.color, styles.text_style),
        )
        for text, ink in spans
        if text and (styles := widget.get_component_styles(ink))
    ]
    return Strip(segments).adjust_cell_length(width, base)


@lru_cache(maxsize=1_024)
def _style(base: Style, ground: Color, ink: Color, text_style: Style) -> Style:
    """The style of ``ink`` on ``ground``; few differ, and each is dear to build."""
    return base + Style.from_color((ground + ink).rich_color) + text_style

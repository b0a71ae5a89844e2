"""Spans to strips: the only place of the dashboard where text meets a style.

Every segment a widget of ours paints is made here, and ``safe_text`` has the last word on each,
whatever the code above forgot. Colours come from the component classes of the widget's screen
(one set a screen: a set a widget makes Textual match styles for thousands of nodes);
translucent ones are blended with the background they stand on.
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

    from tui.ink import Ink, Span


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
    segments = [_segment(widget, text, ink, ground) for text, ink in spans if text]
    return Strip(segments).adjust_cell_length(width, base)


def _segment(widget: Widget, text: str, ink: Ink, ground: Color) -> Segment:
    styles = widget.screen.get_component_styles(ink)
    return Segment(
        safe_text(text).replace("\n", " "), _style(ground, styles.color, styles.text_style)
    )


@lru_cache(maxsize=1_024)
def _style(ground: Color, ink: Color, text_style: Style) -> Style:
    """The style of ``ink`` on ``ground``; few differ, and each is dear to build."""
    return Style.from_color((ground + ink).rich_color, ground.rich_color) + text_style

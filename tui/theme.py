"""The dashboard's own theme: quiet ground, few colours, each with one meaning.

The only place in Python that names a colour. Every other theme of Textual works as well.
"""

from __future__ import annotations

from textual.theme import Theme

CLERK = Theme(
    name="clerk",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#bb9af7",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    foreground="#c8d0e0",
    background="#12151c",
    surface="#1a1f29",
    panel="#1a1f29",
    dark=True,
)

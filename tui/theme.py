"""The dashboard's own themes: quiet ground, few colours, each with one meaning.

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

CLERK_LIGHT = Theme(
    name="clerk-light",
    primary="#2e5bb8",
    secondary="#00708f",
    accent="#7a3fb0",
    success="#3f6d15",
    warning="#8a5a00",
    error="#b3203a",
    foreground="#1f2430",
    background="#fbfbf8",
    surface="#eeeee8",
    panel="#eeeee8",
    dark=False,
)

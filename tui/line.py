"""One line of a pane, as a value: what it says, how, and what opens from it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from tui.ink import Ground, Ink, Span


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``text`` wraps, and is indented below its ``lead``.

    With ``spans`` these stand in place of the text, and break anywhere, as code does. ``under`` is
    what lies below the whole line. A line with a ``target`` is a stop: the reader can go from stop
    to stop, and open one.
    """

    text: str = ""
    ink: Ink = Ink.PLAIN
    lead: str = ""
    lead_ink: Ink = Ink.DIM
    spans: tuple[Span, ...] = ()
    under: Ground | None = None
    target: Hashable = None


BLANK = Line()


@dataclass(frozen=True, slots=True)
class Fold:
    """A target that shows or hides what belongs to ``name``."""

    name: Hashable


FOLDED, UNFOLDED = "▸ ", "▾ "

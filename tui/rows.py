"""Lines into rows of a pane: wrapped beside their lead, with what was sought marked.

Pure: ``LinesView`` paints what comes from here.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from orchestrator.safe_text import safe_text
from tui.fit import wrap, wrap_spans
from tui.ink import Ground, Ink, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.line import Line

_LEAD_SHARE = 2
"""A lead wider than one part in so many of the pane is followed by a line of its own."""


class Row(NamedTuple):
    """One row of a pane."""

    spans: tuple[Span, ...]
    under: Ground | None = None
    target: Hashable = None

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.spans)


def rows_of(line: Line, width: int) -> list[Row]:
    """The rows of one line; those after the first are indented by the width of the lead."""
    return [Row(spans, line.under, line.target) for spans in _wrapped(line, width)]


def _wrapped(line: Line, width: int) -> list[tuple[Span, ...]]:
    lead = safe_text(line.lead)
    indent = cell_len(lead)
    if indent * _LEAD_SHARE > width and not line.spans:
        rows: list[tuple[Span, ...]] = [((text, line.lead_ink),) for text in wrap(lead, width)]
        return rows + [((f"  {text}", line.ink),) for text in wrap(line.text, width - 2)]
    if line.spans:
        first, *others = wrap_spans(line.spans, width - indent)
    else:
        first, *others = [_one(text, line.ink) for text in wrap(line.text, width - indent)]
    head: list[tuple[Span, ...]] = [((lead, line.lead_ink), *first)]
    return head + [((" " * indent, Ink.PLAIN), *spans) for spans in others]


def _one(text: str, ink: Ink) -> tuple[Span, ...]:
    return ((text, ink),)


def marked(row: Row, sought: str) -> list[Span]:
    """The spans of a row with every place marked where ``sought`` (casefolded) stands."""
    text = row.text.casefold()
    if len(text) != len(row.text) or sought not in text:
        return list(row.spans)
    inside = [False] * len(text)
    at = text.find(sought)
    while at >= 0:
        inside[at : at + len(sought)] = [True] * len(sought)
        at = text.find(sought, at + len(sought))
    return list(_marked_spans(row.spans, inside))


def _marked_spans(spans: tuple[Span, ...], inside: list[bool]) -> Iterator[Span]:
    at = 0
    for text, ink in spans:
        start = 0
        for n in range(1, len(text) + 1):
            if n == len(text) or inside[at + n] != inside[at + start]:
                yield text[start:n], Ink.FOUND if inside[at + start] else ink
                start = n
        at += len(text)

"""Text into cells: safe, of a known width, cut with an ellipsis or wrapped at words.

Widths are terminal cells, not characters: a wide character takes two. Everything here takes
foreign text and gives text that may be painted.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING

from rich.cells import cell_len, get_character_cell_size, set_cell_size

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from tui.ink import Span

LINE_LIMIT = 4_000
"""Characters of one line that are ever shown; more would make a frame slow, and nobody reads it."""


def cut(text: str, width: int) -> str:
    """``text`` on one line in at most ``width`` cells, ending in an ellipsis when cut."""
    line = safe_text(text, limit=LINE_LIMIT, one_line=True)
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, width - 1).rstrip() + "…" if width > 0 else ""


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``cut`` text, padded to exactly ``width`` cells."""
    line = cut(text, width)
    padding = " " * (width - cell_len(line))
    return padding + line if right else line + padding


def wrap(text: str, width: int) -> list[str]:
    """The lines of ``text`` in rows of at most ``width`` cells, broken at spaces where possible.

    Always at least one row. Indentation stays; a word longer than a row is broken.
    """
    rows: list[str] = []
    for line in safe_text(text).split("\n"):
        short = line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 1] + "…"
        rows.extend(_wrap_line(short, max(2, width)))
    return rows


def wrap_spans(spans: Iterable[Span], width: int) -> list[tuple[Span, ...]]:
    """Spans of one line in rows of at most ``width`` cells, broken wherever a row is full."""
    rows: list[list[Span]] = [[]]
    width = room = max(2, width)
    left = LINE_LIMIT
    for text, ink in spans:
        rest, left = safe_text(text, limit=left).replace("\n", " "), left - len(text)
        while _is_wider(rest, room):
            end = _cells_index(rest, room)
            rows[-1].append((rest[:end], ink))
            rows.append([])
            rest, room = rest[end:], width
        rows[-1].append((rest, ink))
        room -= cell_len(rest)
        if left <= 0:
            break
    return [tuple(row) for row in rows]


def _is_wider(safe: str, width: int) -> bool:
    """Whether it takes more cells: told by its begin, where that does, as most of the time."""
    begin = safe[: 2 * (width + 1)]
    return cell_len(begin) > width or (len(begin) < len(safe) and cell_len(safe) > width)


def _wrap_line(line: str, width: int) -> list[str]:
    rows: list[str] = []
    while _is_wider(line, width):
        end = _break_at(line, width)
        rows.append(line[:end].rstrip())
        line = line[end:].lstrip()
    rows.append(line)
    return rows


def _break_at(line: str, width: int) -> int:
    """The index where the next row starts: after the last space that fits, if that is not all."""
    end = _cells_index(line, width)
    space = line.rfind(" ", 0, end + 1)
    return space + 1 if line[: max(0, space)].strip() else end


def _cells_index(line: str, width: int) -> int:
    """The index of the first character that does not fit into ``width`` cells."""
    ends = accumulate(map(get_character_cell_size, line))
    return next((index for index, end in enumerate(ends) if end > width), len(line))

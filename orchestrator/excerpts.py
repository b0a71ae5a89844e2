"""The few lines of a failure that an agent needs: the cause, expected and actual.

Frames of libraries, echoes of source and repeated headings are left out; what is left is cut in
its middle, lines that tell expected and actual last. Pure functions.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from orchestrator.results import Failure

MOST_LINES = 12
LINE_CHARACTERS = 200

_PYTEST = re.compile(r"^E(?: {3}|$)(?P<told>.*)$", re.MULTILINE)
_NOISE = re.compile(
    r"\s*$"
    r"|\s*at .*:\d+:\d+\)?\s*$"  # JavaScript frames
    r"|\s*\u276f "  # Vitest's
    r"|\s*(>\s*)?\d+ \| "  # source echoed with line numbers
    r"|\s*\|\s*\^"
    r"|=== (RUN|PAUSE|CONT|NAME)\b|--- FAIL"  # Go's headings
    r"|Traceback \(most recent call last\)"
)
_PYTHON_FRAME = re.compile(r'^ *File "[^\n]*\n(?: {4}[^\n]*\n)*', re.MULTILINE)
"""With the source it echoes; the innermost place is told anyway."""

_TELLING = re.compile(
    r"\s*([-+?] |[-+]\S|expected|actual|received|want|got\b|left:|right:|assert)", re.IGNORECASE
)


def one_line(text: str, limit: int = LINE_CHARACTERS) -> str:
    """``text`` as one line that is safe to show and within ``limit`` characters."""
    return safe_text(text, one_line=True, limit=limit)


def excerpt(failure: Failure) -> list[str]:
    """At most twelve lines: the message and what explains it."""
    message = one_line(failure.message)
    lines = [line for line in _telling_lines(failure.details) if line.strip() != message]
    return [message, *_cut(lines, MOST_LINES - 1)] if message else _cut(lines, MOST_LINES)


def _telling_lines(details: str) -> list[str]:
    text = safe_text(details)
    told = [match["told"] for match in _PYTEST.finditer(text)]
    if not told:
        lines = dedent(_PYTHON_FRAME.sub("", text)).split("\n")
        told = [line for line in lines if not _NOISE.match(line)] or lines
    return [_capped(line.rstrip()) for line in told if line.strip()]


def _capped(line: str) -> str:
    return line if len(line) <= LINE_CHARACTERS else line[: LINE_CHARACTERS - 1] + "…"


def _cut(lines: list[str], room: int) -> list[str]:
    """``room`` of the lines in their order, the last one telling how many are missing."""
    if len(lines) <= room:
        return lines
    telling = [n for n, line in enumerate(lines) if _TELLING.match(line)]
    ends = [
        n for pair in zip(range(len(lines)), reversed(range(len(lines))), strict=True) for n in pair
    ]
    kept = sorted(list(dict.fromkeys((*telling[: room - 3], *ends)))[: room - 1])
    return [*(lines[n] for n in kept), f"[… {len(lines) - len(kept)} lines left out …]"]


def from_both_ends(count: int) -> list[int]:
    """``0, count-1, 1, count-2, …``: in which order lines are kept when the middle is cut."""
    return [n // 2 if n % 2 == 0 else count - 1 - n // 2 for n in range(count)]

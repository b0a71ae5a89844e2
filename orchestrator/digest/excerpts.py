"""The few lines of a failure that an agent needs: the cause, expected and actual.

Frames of libraries, echoes of source, headings and what was said already are left out; what is left
is cut in its middle, lines that tell expected and actual last. Pure functions.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

from orchestrator.digest.differences import comparison_cut, sides_aligned
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.results import Failure

MOST_LINES = 12
LINE_CHARACTERS = 160
MESSAGE_CHARACTERS = 400
"""Of a message that are looked at, to find where a comparison parts."""

_PYTEST = re.compile(r"^E(?: {3}|$)(?P<told>.*)$", re.MULTILINE)
_NOISE = re.compile(
    r"[\s{}\[\](),;|^~+.=-]*$"
    r"|\s*at .*:\d+:\d+\)?\s*$"  # JavaScript frames
    r"|\s*\u276f "  # Vitest's
    r"|\s*(>\s*)?\d+ \| "  # source echoed with line numbers
    r"|\s*\|\s*\^"
    r"|[ |+]*(Exception Group )?Traceback \(most recent call last\)|[ |+]*-{3,} \d+ -{3,}$"
    r"|=== (RUN|PAUSE|CONT|NAME)\b|--- FAIL"  # Go's headings
    r"|Hint: make sure your test modules"
    r"|thread '.{0,200}' (\(\d+\) )?panicked at |note: (run with|Some details)"
    r"|Use -v to get |\.\.\.Full output truncated"
    r"|[-\u23af\u2500=_]{3,}\s*$"
)
_PYTHON_FRAME = re.compile(r'^ *File "[^\n]*\n(?: {4}[^\n]*\n)*', re.MULTILINE)
"""With the source it echoes; the innermost place is told anyway."""
_RUST_FRAMES = re.compile(r"^stack backtrace:\n(?:[ \t][^\n]*(?:\n|\Z))*", re.MULTILINE)

_POINTERS = re.compile(r"^\s*\|[\s|^~_-]*(?=\S)")
"""A compiler's marks below the source that it echoes; what they say stays."""

_ERROR_NAME = re.compile(r"[\w.]{0,80}(?:Error|Exception): |panicked: ")
_TELLING = re.compile(
    r"\s*([-+?] |[-+]\S|expected|actual|received|want|got\b|left:|right:|assert)", re.IGNORECASE
)


def one_line(text: str, limit: int = LINE_CHARACTERS) -> str:
    """``text`` as one line that is safe to show and within ``limit`` characters."""
    return safe_text(text, one_line=True, limit=limit)


def told_message(failure: Failure, limit: int = LINE_CHARACTERS) -> str:
    """What the failure says, in one line; of a comparison of long values where they part."""
    return comparison_cut(one_line(failure.message, MESSAGE_CHARACTERS), limit)


def excerpt(failure: Failure, room: int = MOST_LINES) -> list[str]:
    """At most ``room`` lines: the message and what explains it."""
    message = told_message(failure)
    lines = list(_news(_telling_lines(failure.details), failure.message))
    if not message:
        return _cut(lines, room)
    return [message, *_cut(lines, room - 1)]


def explanation(failure: Failure, room: int) -> list[str]:
    """At most ``room`` lines of what explains the message, without the message."""
    return _cut(list(_news(_telling_lines(failure.details), failure.message)), room)


def from_both_ends(count: int) -> list[int]:
    """``0, count-1, 1, count-2, …``: in which order lines are kept when the middle is cut."""
    return [n // 2 if n % 2 == 0 else count - 1 - n // 2 for n in range(count)]


def _telling_lines(details: str) -> list[str]:
    text = safe_text(details)
    told = [match["told"] for match in _PYTEST.finditer(text)]
    if not told:
        text = _RUST_FRAMES.sub("", _PYTHON_FRAME.sub("", text))
        told = dedent(text).split("\n")
    lines = [_POINTERS.sub("", line.rstrip()) for line in told if not _NOISE.match(line)]
    return [comparison_cut(line, LINE_CHARACTERS) for line in sides_aligned(lines)]


def _news(lines: list[str], message: str) -> Iterator[str]:
    """The lines that do not merely say again what the message says."""
    said = _bare(message)
    return (line for line in lines if not said or _bare(line) != said)


def _bare(text: str) -> str:
    """What is compared of a line: without the error's name, and without an end that may be cut."""
    line = comparison_cut(one_line(text, MESSAGE_CHARACTERS), LINE_CHARACTERS).strip()
    return _ERROR_NAME.sub("", line, count=1)[:80]


def _cut(lines: list[str], room: int) -> list[str]:
    """``room`` of the lines in their order, the last one telling how many are missing."""
    if len(lines) <= room:
        return lines
    telling = [n for n, line in enumerate(lines) if _TELLING.match(line)]
    order = dict.fromkeys((*telling[: room - 3], *from_both_ends(len(lines))))
    kept = sorted(list(order)[: room - 1])
    return [*(lines[n] for n in kept), f"[… {len(lines) - len(kept)} lines left out …]"]

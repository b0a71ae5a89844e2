"""Text that an untrusted command wrote, as a person would have seen it in the end.

Progress bars rewrite their line, colours are escapes, and paths begin with a checkout that is
gone tomorrow: none of that may reach a parser, an identity or an agent. Nothing here is parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_LINE = 4_000
"""Characters of a line that are looked at; what is told of a line is far shorter."""


def plain_text(raw: bytes) -> str:
    """``raw`` without escapes, and of a line that was written again and again the last writing."""
    text = raw.decode("utf-8", "replace")
    if "\r" in text:
        lines = text.replace("\r\n", "\n").split("\n")
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return safe_text(text)


def plain_lines(raw: bytes) -> list[str]:
    """The lines of ``plain_text``, none of them endless, none with blanks at its end."""
    return [line[:LONGEST_LINE].rstrip() for line in plain_text(raw).split("\n")]


def without_root(text: str, root: Path) -> str:
    """``text`` with paths beneath ``root``, or beneath what it leads to, relative to it."""
    for folder in sorted({str(root), str(root.resolve())}, key=len, reverse=True):
        text = text.replace(f"file://{folder}/", "").replace(f"{folder}/", "")
    return text

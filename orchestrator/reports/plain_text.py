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


def plain_lines(raw: bytes, root: Path | None = None) -> list[str]:
    """The lines of ``plain_text``, none of them endless, none with blanks at its end.

    Paths beneath ``root`` are told relative to it.
    """
    text = plain_text(raw)
    if root is not None:
        text = without_root(text, root)
    return [line[:LONGEST_LINE].rstrip() for line in text.split("\n")]


def without_root(text: str, root: Path) -> str:
    """``text`` with paths beneath ``root``, or beneath what it leads to, relative to it."""
    return without_prefixes(text, prefixes_of(root))


def prefixes_of(root: Path) -> tuple[str, ...]:
    """With what paths beneath ``root`` may begin."""
    folders = sorted({f"{root}/", f"{root.resolve()}/"}, key=len, reverse=True)
    return tuple(prefix for folder in folders for prefix in (f"file://{folder}", folder))


def without_prefixes(text: str, prefixes: tuple[str, ...]) -> str:
    """``text`` with those cut out."""
    for prefix in prefixes:
        text = text.replace(prefix, "")
    return text

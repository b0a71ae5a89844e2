"""How foreign text enters a sentence: in quotes, on one line, printable, never a page of it."""

from __future__ import annotations

_LONGEST = 80


def quoted(text: str) -> str:
    """``text`` in quotes with escapes spelled out, its end cut when it is long."""
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")

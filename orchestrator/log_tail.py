"""The last words of a log: what a sentence about a failure quotes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 4096


def last_words(log: Path, *, lines: int = 3, limit: int = 400) -> str:
    """The last ``lines`` lines of ``log`` in one, empty where there is none.

    Lines of JSON are left out: they are the talk of programs, not for people.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _BYTES))
            raw = file.read()
    except OSError:
        return ""
    said = (safe_text(line, one_line=True) for line in raw.splitlines())
    kept = [line for line in said if line and not line.startswith(("{", "["))]
    return safe_text(" / ".join(kept[-lines:]), limit=limit)

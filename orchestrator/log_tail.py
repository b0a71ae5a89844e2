"""The end of a log: the words that a sentence about a failure quotes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 4096

_NOT_FOUND = re.compile(
    r": (?P<shell>[^\s:]{1,200}): (?:command )?not found"
    r"|env: [^\w./~+-]?(?P<env>[^\s:]{1,200}?)[^\w./~+-]?: No such file or directory"
)


def last_words(log: Path, *, lines: int = 3, limit: int = 400) -> str:
    """The last ``lines`` lines of ``log`` in one, empty where there is none.

    Lines of JSON are left out: they are the talk of programs, not for people.
    """
    said = (safe_text(line, one_line=True) for line in _end(log).splitlines())
    kept = [line for line in said if line and not line.startswith(("{", "["))]
    return safe_text(" / ".join(kept[-lines:]), limit=limit)


def missing_command(log: Path | None) -> str:
    """The command that a shell, or ``env``, says last it has not found; in quotes, if there is one."""
    said = list(_NOT_FOUND.finditer(_end(log).decode("utf-8", "replace"))) if log else []
    return repr(safe_text(said[-1]["shell"] or said[-1]["env"], one_line=True)) if said else ""


def _end(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _BYTES))
            return file.read()
    except OSError:
        return b""

"""The head and the end of a check's output, for when nothing better is known of it.

Compilers tell the first error at the top, test runners the summary at the bottom; what is
between is on disk. Reads are bounded, so that a log of any size costs the same.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.reports.source import ReportUnreadable, open_regular
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from pathlib import Path

HEAD_BYTES = 1536
TAIL_BYTES = 4608
HEAD_LINES = 12
TAIL_LINES = 40
LINE_CHARACTERS = 200


def extract(log: Path) -> str:
    """The first and the last lines of ``log``, safe to show, with a mark where it was cut.

    Empty when there is no log or nothing in it.
    """
    try:
        with open_regular(log) as file:
            size = os.fstat(file.fileno()).st_size
            if size <= HEAD_BYTES + TAIL_BYTES:
                return _joined(_lines(file.read(HEAD_BYTES + TAIL_BYTES)))
            head = file.read(HEAD_BYTES)
            file.seek(size - TAIL_BYTES)
            tail = file.read(TAIL_BYTES)
    except (ReportUnreadable, OSError):
        return ""
    first, last = _lines(head)[:-1][:HEAD_LINES], _lines(tail)[1:][-TAIL_LINES:]
    if not last:  # one enormous line
        first, last = _lines(head)[:HEAD_LINES], _lines(tail)[-TAIL_LINES:]
    return "\n".join([*first, f"[… {size // 1024} KiB of output, its middle is cut …]", *last])


def _lines(raw: bytes) -> list[str]:
    lines = (line.rstrip() for line in safe_text(raw).strip().split("\n"))
    return [
        line[: LINE_CHARACTERS - 1] + "…" if len(line) > LINE_CHARACTERS else line for line in lines
    ]


def _joined(lines: list[str]) -> str:
    if len(lines) <= HEAD_LINES + TAIL_LINES:
        return "\n".join(lines)
    cut = len(lines) - HEAD_LINES - TAIL_LINES
    return "\n".join([*lines[:HEAD_LINES], f"[… {cut} lines cut …]", *lines[-TAIL_LINES:]])

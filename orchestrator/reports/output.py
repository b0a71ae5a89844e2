"""An extract of a check's output, for when nothing better is known of it.

Compilers tell the first error at the top, test runners the summary at the bottom, and a program
that fell somewhere between tells it there: all three are shown, repetitions folded, within a bound
in bytes. What is left out is announced; the whole is on disk.
"""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from orchestrator.reports.folding import Line, folded
from orchestrator.reports.source import ReportUnreadable, open_regular
from orchestrator.reports.telltales import telltales

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCANNED_BYTES = 32 * 1024 * 1024
WINDOW_BYTES = 64 * 1024
"""At each end, within which repetitions are folded."""

HEAD_BYTES, TELLING_BYTES, TAIL_BYTES = 1536, 2048, 2560
HEAD_LINES, TELLING_LINES, TAIL_LINES = 12, 28, 28
MOST_BYTES = HEAD_BYTES + TELLING_BYTES + TAIL_BYTES
MOST_LINES = HEAD_LINES + TELLING_LINES + TAIL_LINES
AROUND_BYTES = 1024
LINES_BEFORE, LINES_AFTER = 2, 5


def extract(log: Path) -> str:
    """What of ``log`` is likely to tell why, safe to show; empty when there is nothing in it."""
    try:
        with open_regular(log) as file:
            return extract_of(_scanned(file))
    except (ReportUnreadable, OSError):
        return ""


def extract_of(data: bytes) -> str:
    """The first lines of ``data``, those that look like an error, and the last, in their order."""
    if len(data) <= WINDOW_BYTES:
        everything = folded(data, 0, len(data))
        if len(_fitting(everything, MOST_LINES, MOST_BYTES)) == len(everything):
            return "\n".join(line.text for line in everything)
    head = _fitting(_first_window(data), HEAD_LINES, HEAD_BYTES)
    tail = _fitting(reversed(_last_window(data)), TAIL_LINES, TAIL_BYTES)
    ends = (head[-1].end if head else 0, tail[-1].start if tail else len(data))
    return "\n".join(_joined(data, chain(head, _telling(data, *ends), reversed(tail))))


def ends_of(file: BinaryIO) -> bytes:
    """What ``file`` holds, or its beginning and, longer, its end."""
    size = os.fstat(file.fileno()).st_size
    head, tail = WINDOW_BYTES, 4 * WINDOW_BYTES
    if size <= head + tail:
        return file.read(head + tail)
    first = file.read(head).rpartition(b"\n")[0]
    file.seek(size - tail)
    return first + b"\n\n" + file.read(tail).partition(b"\n")[2]


def _scanned(file: BinaryIO) -> bytes:
    """The bytes that are looked at: all, or both ends of what is far too big."""
    size = os.fstat(file.fileno()).st_size
    if size <= SCANNED_BYTES:
        return file.read(SCANNED_BYTES)
    half = SCANNED_BYTES // 2
    head = file.read(half)
    file.seek(size - half)
    return head + b"\n[... %d bytes were not looked at ...]\n" % (size - 2 * half) + file.read(half)


def _first_window(data: bytes) -> list[Line]:
    """Whole lines at the beginning; a part of one only where it does not end in time."""
    end = min(WINDOW_BYTES, len(data))
    return folded(data, 0, end if end == len(data) else data.rfind(b"\n", 0, end) + 1 or end)


def _last_window(data: bytes) -> list[Line]:
    start = max(0, len(data) - WINDOW_BYTES)
    after = data.find(b"\n", start, len(data) - 1) + 1
    return folded(data, after or start if start else 0, len(data))


def _telling(data: bytes, start: int, end: int) -> list[Line]:
    """The lines between the ends that look like an error, each with what stands around it."""
    lines: list[Line] = []
    for place in telltales(data):
        if start <= place < end and (not lines or place >= lines[-1].end):
            lines += _around(data, place)
    return _fitting(lines, TELLING_LINES, TELLING_BYTES)


def _around(data: bytes, place: int) -> list[Line]:
    line = data.rfind(b"\n", max(0, place - AROUND_BYTES), place) + 1 or max(
        0, place - AROUND_BYTES
    )
    first = data.find(b"\n", max(0, line - AROUND_BYTES), line) + 1 or line
    before = folded(data, first, line)[-LINES_BEFORE:]
    last = data.rfind(b"\n", place, place + AROUND_BYTES) + 1 or place + AROUND_BYTES
    return before + folded(data, line, min(last, len(data)))[: LINES_AFTER + 1]


def _fitting(lines: Iterable[Line], most: int, room: int) -> list[Line]:
    """The first of the lines, as many as fit."""
    fitting: list[Line] = []
    for line in lines:
        room -= line.size
        if room < 0 or len(fitting) == most:
            break
        fitting.append(line)
    return fitting


def _joined(data: bytes, lines: Iterable[Line]) -> Iterator[str]:
    """The lines with a mark wherever something was left out between two."""
    told = 0
    for line in lines:
        if line.start < told:
            continue
        if data[told : line.start].strip():
            yield _left_out(data, told, line.start)
        yield line.text
        told = line.end
    if data[told:].strip():
        yield _left_out(data, told, len(data))


def _left_out(data: bytes, start: int, end: int) -> str:
    count = data.count(b"\n", start, end)
    lines = f"{count} lines, " if count > 1 else ""
    return f"[… {lines}{(end - start + 1023) // 1024} KiB left out …]"

"""Programs that fell: tracebacks of Python, stacks of JavaScript, panics of Rust and Go.

What is told of one is the error itself and the innermost place in the project's own code. A crash
that a program printed and survived looks the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.reports.findings import Finding
from orchestrator.reports.frames import innermost_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_LINES = 400
"""Of one crash that are looked at; an overflowing recursion writes a thousand frames."""
FRAMES_BEGIN_WITHIN = 6
"""Lines, since an error's message may take several."""

_WORDS = ("Traceback ", "panic", "Error", "Exception")
"""One of them is in the first line of every crash; most lines need no closer look."""

_TRACEBACK = re.compile(r"(?:  \+ Exception Group )?Traceback \(most recent call last\):")
_LINKS = frozenset(
    {
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
    }
)
_GROUPED = re.compile(r"  \| (?P<message>[A-Za-z_][\w.]{0,200}: .*)")
_STACKED = re.compile(r"(?:Uncaught )?[A-Za-z_$][\w$.]{0,80}(?:Error|Exception)\b.*")
_FRAME = re.compile(r"\s+at \S.*")
_RUST_PANIC = re.compile(r"thread '[^'\n]{0,200}'(?: \(\d{1,9}\))? panicked at .*")


def crashes(lines: list[str]) -> Iterator[tuple[Finding, range]]:
    """Each crash, and the lines it takes."""
    number = 0
    while number < len(lines):
        end = _end(lines, number)
        if end > number:
            yield _finding(lines, number, end), range(number, end)
        number = max(end, number + 1)


def _end(lines: list[str], start: int) -> int:
    """Where the crash that begins on line ``start`` is over; ``start`` itself when none does."""
    line = lines[start]
    if not any(word in line for word in _WORDS):
        return start
    if _TRACEBACK.fullmatch(line):
        return _traceback_end(lines, start)
    if _RUST_PANIC.fullmatch(line) or line.startswith("panic: "):
        return _first(lines, start, lambda line: not line)
    if _STACKED.fullmatch(line):
        for number, below in enumerate(lines[start + 1 : start + FRAMES_BEGIN_WITHIN], start + 1):
            if _FRAME.fullmatch(below):
                return _first(lines, number, lambda line: not _FRAME.fullmatch(line))
    return start


def _traceback_end(lines: list[str], start: int) -> int:
    """After the exception that ends the last of a chain of tracebacks."""
    end = start
    while end < len(lines) and _TRACEBACK.fullmatch(lines[end]):
        exception = _first(lines, end, lambda line: not line.startswith(" "))
        start = min(exception + 1, len(lines))
        link = _first(lines, start - 1, bool)
        if link >= len(lines) or lines[link] not in _LINKS:
            return start
        end = _first(lines, link, bool)
    return start


def _first(lines: list[str], start: int, wanted: Callable[[str], bool]) -> int:
    """The first line after ``start`` that is ``wanted``; the bound, or the end, where none is."""
    for number in range(start + 1, min(len(lines), start + MOST_LINES)):
        if wanted(lines[number]):
            return number
    return min(len(lines), start + MOST_LINES)


def _finding(lines: list[str], start: int, end: int) -> Finding:
    details = "\n".join(lines[max(start, end - MOST_LINES) : end])
    frame = innermost_own(details)
    return Finding(
        message=_message(lines[start:end]),
        path=frame.path if frame else "",
        line=frame.line if frame else None,
        details=details,
    )


def _message(crash: list[str]) -> str:
    """The line of it that tells why."""
    grouped = next(filter(None, map(_GROUPED.fullmatch, crash)), None)
    if grouped and not crash[-1][:1].isalpha():
        return grouped["message"]
    if _TRACEBACK.fullmatch(crash[0]):
        return crash[-1]
    if crash[0].endswith(":") and len(crash) > 1:
        return f"panicked: {crash[1]}"
    return crash[0]

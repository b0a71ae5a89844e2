"""Any page of a log of any size, at the cost of that page.

Only files the engine has on record are opened, and only where they are regular files below the
folder of its logs: a link or a pipe that lies in a log's place is refused. Nothing here reads more
than it was asked for.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.api.log_views import LogFound, LogPage
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.api.log_views import LogPlace, LogSearch

SEARCHED_AT_ONCE = 4 * 1024 * 1024
"""Bytes; more would keep the engine from its work for too long."""

_RAW = "session.log"
_CONTINUED = range(0x80, 0xC0)
"""Bytes of a character of UTF-8 after its first."""

_LONGEST_CHARACTER = 4
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def raw_beside(transcript: str) -> str:
    """Where all lies that a session printed, given its transcript."""
    return str(Path(transcript).with_name(_RAW))


@contextmanager
def opened(path: str, logs: Path) -> Iterator[int]:
    """A descriptor of the log at ``path``, which must lie in ``logs``; raises UsageError."""
    log = Path(path)
    if not path or not log.resolve().is_relative_to(logs.resolve()):
        raise UsageError("this log is not kept here")
    try:
        descriptor = os.open(log, _FLAGS)
    except OSError as error:
        raise UsageError("there is no such log any more") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError("what lies in the place of this log is no file")
        yield descriptor
    finally:
        os.close(descriptor)


def read_page(log: int, place: LogPlace) -> LogPage:
    """The page at ``place``, cut between lines, or between characters where a line is longer."""
    kept = os.fstat(log)
    size = kept.st_size
    if place.at is not None:
        start = min(place.at, size)
        raw = _whole_end(os.pread(log, place.most, start), last=start + place.most >= size)
    else:
        end = size if place.before is None else min(place.before, size)
        start = max(0, end - place.most)
        raw = os.pread(log, end - start, start)
        cut = _first_whole(raw) if start else 0
        start, raw = start + cut, raw[cut:]
    text, end = raw.decode("utf-8", "replace"), start + len(raw)
    return LogPage(text=text, start=start, end=end, size=size, file=kept.st_ino)


def search(log: int, wanted: LogSearch) -> LogFound:
    """Look through the next part of the log."""
    size, text = os.fstat(log).st_size, wanted.text.encode("utf-8", "replace")
    at = min(wanted.at, size)
    start = max(0, at - SEARCHED_AT_ONCE) if wanted.backwards else at
    end = at if wanted.backwards else min(size, at + SEARCHED_AT_ONCE)
    # a find may begin in this part and end in the next one
    raw = os.pread(log, end - start + len(text) - 1, start)
    raw = raw.lower() if text == text.lower() else raw
    found = raw.rfind(text) if wanted.backwards else raw.find(text)
    if found >= 0:
        return LogFound(at=start + found, next=None)
    following = start if wanted.backwards else end
    return LogFound(at=None, next=None if following in {0, size} else following)


def _whole_end(raw: bytes, *, last: bool) -> bytes:
    if last:
        return raw
    return raw[: raw.rfind(b"\n") + 1] or raw[: _last_whole(raw)]


def _first_whole(raw: bytes) -> int:
    """Where the first whole line begins, or else the first whole character."""
    newline = raw.find(b"\n") + 1
    if 0 < newline < len(raw):
        return newline
    heads = (n for n, byte in enumerate(raw[:_LONGEST_CHARACTER]) if byte not in _CONTINUED)
    return next(heads, 0)


def _last_whole(raw: bytes) -> int:
    """Where the last character begins that may not be whole; what is no UTF-8 is left as it is."""
    for back in range(1, min(_LONGEST_CHARACTER, len(raw) - 1) + 1):
        if raw[-back] not in _CONTINUED:
            return len(raw) - back if raw[-back] >= _CONTINUED.stop else len(raw)
    return len(raw)

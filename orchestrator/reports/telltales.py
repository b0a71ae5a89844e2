"""Where in an output of any size the error is likely to be told.

Words that errors are told with are looked for as bytes, from both ends, and only so many of each:
a log of many megabytes costs a few passes at the speed of memory, one in which every line says
"error" no more than that. What is found is a place worth showing, never a verdict.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH_WAY = 2
"""Places that are kept of each kind of words, from the front and from the back."""

_STRONG = (
    b"Error: ",
    b"Exception: ",
    b"Error\n",
    b" error: ",
    b"\nerror: ",
    b"\nerror[",
    b"panic: ",
    b"panicked at",
    b"FAILED",
    b"FAIL: ",
    b"FAIL\t",
    b"\nnot ok ",
    b"fatal error",
    b"Segmentation fault",
    b"assertion failed",
)
_WEAK = (
    b"ERROR",
    b"FATAL",
    b"CRITICAL",
    b"fatal: ",
    b"failed",
    b"Failed",
    b"No such file",
    b"not found",
)

_HARMLESS = re.compile(rb"\b(0|no) (errors?|failed|failures?)\b", re.IGNORECASE)
_LOOKED_AT = 8


def telltales(data: bytes) -> list[int]:
    """Places in ``data``, ascending, that look like an error; the likely ones, or else the rest."""
    found = sorted(place for word in _STRONG for place in _places(data, word))
    if not found:
        found = sorted(place for word in _WEAK for place in _places(data, word))
    return sorted({*found[:EACH_WAY], *found[-EACH_WAY:]})


def is_telling(line: str) -> bool:
    """Whether ``line`` has such a word in it."""
    raw = b"\n" + line.encode("utf-8", "replace") + b"\n"
    return any(word in raw for word in (*_STRONG, *_WEAK)) and not _HARMLESS.search(raw)


def _places(data: bytes, word: bytes) -> set[int]:
    skipped = word.startswith(b"\n")
    first = islice(_forward(data, word), _LOOKED_AT)
    last = islice(_backward(data, word), _LOOKED_AT)
    return {place + skipped for place in (*first, *last) if not _is_harmless(data, place + skipped)}


def _forward(data: bytes, word: bytes) -> Iterator[int]:
    place = data.find(word)
    while place >= 0:
        yield place
        place = data.find(word, place + len(word))


def _backward(data: bytes, word: bytes) -> Iterator[int]:
    place = data.rfind(word)
    while place >= 0:
        yield place
        place = data.rfind(word, 0, place)


def _is_harmless(data: bytes, place: int) -> bool:
    around = data[max(0, place - 80) : place + 80]
    start = around.rfind(b"\n", 0, min(place, 80)) + 1
    end = around.find(b"\n", min(place, 80))
    return bool(_HARMLESS.search(around[start : end if end >= 0 else None]))

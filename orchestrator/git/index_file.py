"""Which paths an index lists, read without a process.

Only of the plain kind that git writes unless told otherwise; of any other nothing is said, and
whoever asks goes by git.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = struct.Struct(">4sLL")
_PLAIN = (2, 3)
_FACTS = 40
"""Bytes of an entry before its object's name."""

_EXTENDED, _LENGTH = 0x4000, 0x0FFF
_SPLIT = b"link"


def listed_paths(index: Path, *, oid_bytes: int) -> frozenset[bytes] | None:
    """The paths of all entries; None where it cannot be told. ``oid_bytes`` is an object name's."""
    try:
        raw = index.read_bytes()
        return None if _SPLIT in raw else _paths(raw, oid_bytes)
    except (OSError, ValueError, IndexError, struct.error):
        return None


def _paths(raw: bytes, oid_bytes: int) -> frozenset[bytes] | None:
    mark, version, count = _HEAD.unpack_from(raw)
    if mark != b"DIRC" or version not in _PLAIN:
        return None
    found, at, before = set(), _HEAD.size, _FACTS + oid_bytes
    for _ in range(count):
        flags = int.from_bytes(raw[at + before : at + before + 2], "big")
        start = at + before + (4 if flags & _EXTENDED else 2)
        end = raw.index(b"\0", start)
        if end == start or flags & _LENGTH not in {end - start, _LENGTH}:
            return None
        found.add(raw[start:end])
        at += (end - at + 8) & ~7
    return frozenset(found)

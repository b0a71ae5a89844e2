"""Trees that are small enough to be removed, or given away, without a process for it.

A command costs a few milliseconds of two processors, and most of what is removed is a checkout or
a scratch folder of a few dozen files. What turns out to be large, deep, heavy or shut is left to
the command, which goes on where this stopped. Whoever's tree it is may be hostile: it is walked by
descriptors and never through a link, so that nothing outside of it can be reached.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ENTRIES = 512
"""So many files and folders are seen to here: about as long as a command would hold us up."""

DEPTH = 32
HEAVY_BYTES = 16 << 20
"""Larger files take a disk its time to let go of."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class _Room:
    """How many more entries are seen to."""

    left: int = ENTRIES


class _TooMuch(Exception):
    """It is a command's affair."""


def removed(path: Path) -> bool:
    """Remove a file, a link or a small tree; False where anything of it is left."""
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            with _opened(path) as folder:
                _clear(folder, _Room(), DEPTH)
            path.rmdir()
        else:
            path.unlink()
    except FileNotFoundError:
        return True
    except (OSError, _TooMuch):
        return False
    return True


def given(folders: Iterable[Path], user: int, group: int) -> bool:
    """Make small trees somebody's, but what is so already; False where anything is not theirs."""
    room = _Room()
    try:
        for folder in folders:
            with _opened(folder) as opened:
                _give(opened, room, DEPTH, user, group)
    except (OSError, _TooMuch):
        return False
    return True


def _clear(folder: int, room: _Room, depth: int) -> None:
    for entry, found in _entries(folder, room, depth):
        if stat.S_ISDIR(found.st_mode):
            with _opened(entry, folder) as inner:
                _clear(inner, room, depth - 1)
            os.rmdir(entry, dir_fd=folder)
        elif found.st_size > HEAVY_BYTES:
            raise _TooMuch
        else:
            os.unlink(entry, dir_fd=folder)


def _give(folder: int, room: _Room, depth: int, user: int, group: int) -> None:
    """The folder first, as ``find`` would: whoever has it may then change what is in it."""
    own = os.fstat(folder)
    if (own.st_uid, own.st_gid) != (user, group):
        os.fchown(folder, user, group)
    for entry, found in _entries(folder, room, depth):
        if stat.S_ISDIR(found.st_mode):
            with _opened(entry, folder) as inner:
                _give(inner, room, depth - 1, user, group)
        elif (found.st_uid, found.st_gid) != (user, group):
            os.chown(entry, user, group, dir_fd=folder, follow_symlinks=False)


def _entries(folder: int, room: _Room, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as listing:
        names = [entry.name for entry in islice(listing, room.left + 1)]
    room.left -= len(names)
    if room.left < 0 or depth < 0:
        raise _TooMuch
    for name in names:
        yield name, os.stat(name, dir_fd=folder, follow_symlinks=False)


@contextmanager
def _opened(folder: Path | str, within: int | None = None) -> Iterator[int]:
    handle = os.open(folder, _FOLDER, dir_fd=within)
    try:
        yield handle
    finally:
        os.close(handle)

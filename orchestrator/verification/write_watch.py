"""Which files of the tree checks change: what runs after that no longer tests the tree.

A check may make what it likes beside the tree's own files. One that changes those is told, by all
that ran when it happened, since several share a checkout; and from then on nothing that comes of
that checkout is kept as known. git is asked only where the files' own times tell of a change, as
that would cost more than many a check; a large checkout is left to git alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from orchestrator.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

MOST_TOLD = 20
LOOKED_THROUGH = 2_000
"""So many files and folders are looked at here."""

_Stamp = tuple[int, int, int, int]


class WriteWatch:
    """Watches the checkout at ``top``; ``look`` tells which files are not as its commit has them."""

    def __init__(self, top: Path, look: Callable[[], Awaitable[frozenset[str]]]) -> None:
        self._top = top
        self._look = look
        self._stamps: dict[str, _Stamp] | None = None
        self._seen: frozenset[str] = frozenset()
        self._running: dict[str, set[str]] = {}
        self._looking = anyio.Lock()
        """One look at a time: what another has found, and not told yet, would be nobody's."""
        self.is_spoilt = False

    async def begin(self) -> None:
        """Before the first check: what setup has changed is no check's doing."""
        self._stamps = await anyio.to_thread.run_sync(_stamps, self._top)
        if self._stamps is None:
            self._seen = await self._looked()

    def starts(self, name: str) -> None:
        """A check is about to run."""
        self._running[name] = set()

    def stopped(self, name: str) -> None:
        """It does not run any more, however that came."""
        self._running.pop(name, None)

    async def ended(self, name: str) -> tuple[str, ...]:
        """What was changed while this check ran; call it before ``stopped``."""
        async with self._looking:
            found = await self._found()
            self._seen |= found
            self.is_spoilt |= bool(found)
            for blamed in self._running.values():
                blamed.update(found)
        return tuple(sorted(self._running[name])[:MOST_TOLD])

    async def _found(self) -> frozenset[str]:
        if self._stamps is None:
            return await self._looked() - self._seen
        touched = await anyio.to_thread.run_sync(_touched, self._top, self._stamps)
        return (await self._looked()) & touched - self._seen if touched else touched

    async def _looked(self) -> frozenset[str]:
        with suppress(GitError):  # a checkout that a check has taken apart tells nothing
            return await self._look()
        return self._seen


def _stamps(top: Path) -> dict[str, _Stamp] | None:
    """What every file below ``top`` looks like, by its path from there; None of too many."""
    found: dict[str, _Stamp] = {}
    folders, left = [""], LOOKED_THROUGH
    while folders:
        folder = folders.pop()
        with suppress(OSError), os.scandir(top / folder) as entries:
            for entry in entries:
                left -= 1
                if left < 0:
                    return None
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                else:
                    found[path] = _stamp(entry.stat(follow_symlinks=False))
    return found


def _touched(top: Path, stamps: dict[str, _Stamp]) -> frozenset[str]:
    """The files that look otherwise, or are gone; the next call tells only of what is new."""
    touched = set()
    for path, stamp in stamps.items():
        now: _Stamp = (0, 0, 0, 0)
        with suppress(OSError):
            now = _stamp(os.lstat(top / path))
        if now != stamp:
            stamps[path] = now
            touched.add(path)
    return frozenset(touched)


def _stamp(told: os.stat_result) -> _Stamp:
    return told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns

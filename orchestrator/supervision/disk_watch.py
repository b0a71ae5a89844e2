"""How much disk a job takes, and whether that is too much.

Free space is asked for at each look, which costs nothing; the folders are measured in a thread,
seldom, and by blocks, so that a sparse file counts what it takes. Where free space runs low, the
job whose files grew the most since it began is ended, and the next one only if space goes on
shrinking: one greedy job must not be the end of all. A file that is open but has no name is seen
only as free space that is gone.
"""

from __future__ import annotations

import math
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from orchestrator.allowance import too_little_left, too_many_files, too_much_disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from orchestrator.allowance import Allowance

MEASURE_SECONDS = 10.0
FIRST_MEASURE_SECONDS = 1.0
MOST_ENTRIES = 2_000_000

_BLOCK_BYTES = 512
_REST_FACTOR = 50
"""All measuring together takes at most this part of the time."""

_BLAME_SECONDS = 3.0
"""How long after one job was blamed the space it leaves is waited for."""


class DiskWatch:
    """Watches one job's folders."""

    def __init__(self, roots: Sequence[Path], allowance: Allowance) -> None:
        self._devices = {root: _device(root) for root in roots}
        self._allowance = allowance
        self._scope = anyio.CancelScope()
        self._due_at = time.monotonic() + FIRST_MEASURE_SECONDS
        self._first: int | None = None
        self.taken = 0
        self.entries = 0
        if roots:
            _shortages.watched.append(self)

    @property
    def grown(self) -> int:
        """By how much its files grew since they were first measured."""
        return self.taken - (self._first or 0)

    def look(self) -> str:
        """Why the job must end, empty while it need not."""
        allowed = self._allowance.disk_bytes
        if allowed is not None and self.taken > allowed:
            return too_much_disk(self.taken, allowed)
        if allowed is not None and self.entries > MOST_ENTRIES:
            return too_many_files(MOST_ENTRIES)
        return self._what_is_left()

    def is_on(self, device: int) -> bool:
        return device in self._devices.values()

    @property
    def is_due(self) -> bool:
        """Whether the folders should be measured now."""
        return bool(self._devices) and time.monotonic() >= self._due_at

    async def measure(self) -> None:
        """Measure the folders; ends early when the watch does."""
        began, self._due_at = time.monotonic(), math.inf
        with self._scope:
            self.taken, self.entries = await anyio.to_thread.run_sync(
                self._measure, abandon_on_cancel=True
            )
            self._first = self.taken if self._first is None else self._first
        now = time.monotonic()
        rest = (now - began) * _REST_FACTOR * len(_shortages.watched)
        self._due_at = now + max(MEASURE_SECONDS, rest)

    def end(self) -> None:
        self._scope.cancel()
        if self in _shortages.watched:
            _shortages.watched.remove(self)

    def _what_is_left(self) -> str:
        reserve = self._allowance.disk_reserve_bytes
        if reserve is None:
            return ""
        for root, device in self._devices.items():
            free = _free(root)
            if free >= reserve:
                _shortages.over(device)
            elif _shortages.is_to_blame(self, device, free):
                return too_little_left(free, reserve, self.taken)
        return ""

    def _measure(self) -> tuple[int, int]:
        taken, entries, linked = 0, 0, set()
        for stat in _entries(self._devices):
            if stat.st_nlink > 1:
                if (stat.st_dev, stat.st_ino) in linked:
                    continue
                linked.add((stat.st_dev, stat.st_ino))
            taken, entries = taken + stat.st_blocks * _BLOCK_BYTES, entries + 1
            if entries > MOST_ENTRIES or self._scope.cancel_called:
                break
        return taken, entries


class _Shortages:
    """Who is watched, and when each short file system was last blamed on somebody."""

    def __init__(self) -> None:
        self.watched: list[DiskWatch] = []
        self._blamed: dict[int, tuple[float, int]] = {}

    def over(self, device: int) -> None:
        self._blamed.pop(device, None)

    def is_to_blame(self, watch: DiskWatch, device: int, free: int) -> bool:
        now = time.monotonic()
        at, free_then = self._blamed.get(device, (-math.inf, free + 1))
        if now - at < _BLAME_SECONDS or free >= free_then:
            return False
        on_it = (each for each in self.watched if each.is_on(device))
        if max(on_it, key=lambda each: each.grown, default=watch) is not watch:
            return False
        self._blamed[device] = now, free
        return True


_shortages = _Shortages()


def _device(root: Path) -> int:
    try:
        return root.stat().st_dev
    except OSError:
        return -1


def _free(root: Path) -> int:
    try:
        status = os.statvfs(root)
    except OSError:  # a folder that is gone takes no space
        return sys.maxsize
    return status.f_bavail * status.f_frsize


def _entries(roots: Iterable[Path]) -> Iterator[os.stat_result]:
    """What lies in ``roots``, links not followed; what vanishes or may not be read is left out."""
    todo = [os.fspath(root) for root in roots]
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as listed:
            for entry in listed:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)

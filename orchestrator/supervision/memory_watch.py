"""How much memory a job holds, and whether that is too much.

One census of all processes serves every job that asks within the same moment, so that the cost is
one short read per process and second, however many jobs there are. A job is looked at the oftener
the nearer it is to its bound, as long as it grows. Resident memory counts shared pages once for
each process that maps them: before anybody is ended for it, the kernel's own fair count is asked.
Where there is no /proc nothing is seen, and nobody ended.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from orchestrator.allowance import too_much_memory
from orchestrator.supervision import orphans, watchman

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

_GROWTH_BYTES_PER_SECOND = 4 << 30
"""How fast a process may touch new memory at most; what the pauses are reckoned by."""

_FAIR_SECONDS = 10.0
"""How long a fair count is believed: it costs some 10 ms per GiB."""

_FRESH = 0.8
"""How old a census may be, as a part of the pause; so that jobs out of step still share one."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Census:
    """All processes at one moment, and who belongs to whom."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.stats = watchman.living()
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        self._sessions: defaultdict[int, list[int]] = defaultdict(list)
        for pid, stat in self.stats.items():
            self._children[stat.parent].append(pid)
            self._sessions[stat.session].append(pid)
        self._adopted: defaultdict[str, list[int]] = defaultdict(list)
        for pid, cookie in orphans.adopted(self._children[os.getpid()]):
            self._adopted[cookie].append(pid)

    def family(self, leader: int, cookie: str) -> list[int]:
        """The session of ``leader``, the orphans we adopted from it, and all their descendants."""
        found: set[int] = set()
        todo = [leader, *self._sessions[leader], *self._adopted[cookie]]
        while todo:
            pid = todo.pop()
            if pid not in found:
                found.add(pid)
                todo += self._children[pid]
        return [pid for pid in found if pid in self.stats]

    def resident(self, pids: Iterable[int]) -> int:
        return _PAGE_BYTES * sum(self.stats[pid].resident_pages for pid in pids)


class _Clerk:
    """Keeps the last census for all who ask."""

    def __init__(self) -> None:
        self._last: Census | None = None

    def census(self, newer_than: float) -> Census:
        if self._last is None or self._last.at < newer_than:
            self._last = Census()
        return self._last


_clerk = _Clerk()


class MemoryWatch:
    """Watches one job; ``pause`` is how long it may be left alone now."""

    def __init__(self, leader: int, cookie: str, allowed: int | None) -> None:
        self._leader = leader
        self._cookie = orphans.full_cookie(cookie)
        self._allowed = allowed
        self._held = 0
        self._shared, self._fair_at = 0, 0.0
        self._looked_at = time.monotonic()
        self.pause = next_pause(0, 0, allowed, LONGEST_PAUSE_SECONDS)

    def look(self) -> str:
        """Why the job must end, empty while it need not."""
        now = time.monotonic()
        if self._allowed is None or now - self._looked_at < self.pause:
            return ""
        census = _clerk.census(now - self.pause * _FRESH)
        before, self._held = self._held, self._reckon(census, self._allowed, now)
        self.pause = next_pause(before, self._held, self._allowed, self.pause)
        self._looked_at = now
        return "" if self._held <= self._allowed else too_much_memory(self._held, self._allowed)

    def _reckon(self, census: Census, allowed: int, now: float) -> int:
        family = census.family(self._leader, self._cookie)
        resident = census.resident(family)
        if resident <= allowed:
            return resident
        if resident - self._shared > allowed or now - self._fair_at > _FAIR_SECONDS:
            self._shared, self._fair_at = max(0, resident - _fair_count(family)), now
        return resident - self._shared


def next_pause(before: int, held: int, allowed: int | None, pause: float) -> float:
    """How long a job may be left alone: not so long that it could pass its bound by much."""
    if allowed is None:
        return LONGEST_PAUSE_SECONDS
    if held <= before + allowed // 100 and before:
        return min(LONGEST_PAUSE_SECONDS, pause * 2)
    room = max(0, allowed - held) / _GROWTH_BYTES_PER_SECOND
    return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, room))


def _fair_count(pids: Iterable[int]) -> int:
    """Memory with each shared page counted in parts; what may not be read counts as whole."""
    return sum(_proportional(pid) for pid in pids)


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - pathlib doubles the cost
            words = file.read().partition(b"\nPss:")[2].split(maxsplit=1)
    except ProcessLookupError:
        return 0
    except OSError:
        stat = watchman.read_stat(pid)
        return stat.resident_pages * _PAGE_BYTES if stat else 0
    return int(words[0]) * 1024 if words else 0

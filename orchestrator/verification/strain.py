"""How hard the machine is pressed: memory that is left, and time that everything had to wait.

The kernel counts the time in which something waited for a core or for memory; two looks at the
counter tell the share of any span exactly, without sampling it. Where there are no such counters
(they can be switched off, and other systems have none) the usual load average stands in. What
cannot be read is taken for calm: it only ever makes a time-out count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio

WAITED_SHARES = {"cpu": 0.5, "memory": 0.2}
"""From which share of a span that something waited for it a resource counts as overloaded."""

LOAD_PER_CORE = 2.0
"""The same without counters: programs that want to run, for each core."""

_WORDS = {"cpu": "a core", "memory": "memory"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One look: when, seconds since boot that something waited, programs for each core."""

    at: float
    waited: Mapping[str, float] = field(default_factory=dict)
    load: float = 0.0


Look = Callable[[], Moment]


def look(pressure: Path = Path("/proc/pressure")) -> Moment:
    """The machine as it is now."""
    waited = {name: _waited(pressure / name) for name in WAITED_SHARES}
    known = {name: seconds for name, seconds in waited.items() if seconds is not None}
    return Moment(time.monotonic(), known, os.getloadavg()[0] / (os.cpu_count() or 1))


def overload(before: Moment, after: Moment) -> str:
    """What the machine was short of between two looks, in words; empty when of nothing."""
    seconds = after.at - before.at
    if seconds <= 0:
        return ""
    if not after.waited:
        return _crowd(after.load) if after.load > LOAD_PER_CORE else ""
    for name, bound in WAITED_SHARES.items():
        share = (after.waited.get(name, 0.0) - before.waited.get(name, 0.0)) / seconds
        if share >= bound:
            return f"something waited for {_WORDS[name]} {min(share, 1.0):.0%} of the time"
    return ""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as whoever runs checks sees it; ``patience_seconds`` is how long it waits for calm."""

    look: Look = look
    pause_seconds: float = 2.0
    patience_seconds: float = 20.0

    async def calm(self) -> None:
        """Wait until the machine is short of nothing, or patience is at its end."""
        with anyio.move_on_after(self.patience_seconds):
            while True:
                before = self.look()
                await anyio.sleep(self.pause_seconds)
                if not overload(before, self.look()):
                    return


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Bytes that could be had without swapping; None where nobody tells."""
    try:
        words = meminfo.read_bytes().partition(b"MemAvailable:")[2].split(maxsplit=1)
        return int(words[0]) * 1024 if words else None
    except (OSError, ValueError):
        return None


def _waited(path: Path) -> float | None:
    """The seconds in a file like ``some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`` (in µs)."""
    try:
        total = path.read_bytes().partition(b"total=")[2].split(maxsplit=1)
        return int(total[0]) / 1e6 if total else None
    except (OSError, ValueError):
        return None


def _crowd(load: float) -> str:
    return f"{load:.1f} programs wanted each core"

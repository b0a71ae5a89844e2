"""The engine's own clock: POSIX seconds that never jump.

A wall clock is set, by people and by services, and an engine that decided by it would wait for a
day or not at all. So it is read once, at the engine's start; from then on time is what has passed
since boot, suspension included. What is stored is therefore the wall's time as of that start, for
showing; an engine started after the wall was set back waits no longer for it (``recovery``).

Time-outs of processes are not measured here but by the monotonic clock, which stands still while
the machine is suspended: nobody is stopped for having slept.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]


def steady_clock() -> Clock:
    """A clock that starts with the wall's time of now."""
    began = time.time() - _since_boot()
    return lambda: began + _since_boot()


def _since_boot() -> float:
    """Where there is no such clock, the monotonic one counts suspension (macOS)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

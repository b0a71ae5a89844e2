"""The same traffic for one who knows the truth: a bound for what any queue could reach.

It verifies only what is good, and everything that is there at once; in strict mode each change by
itself. It never waits, never errs, and its checks never flake.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulation.changes import Change


def landings(changes: Sequence[Change], *, slots: int, strictly: bool) -> dict[int, float]:
    """When each change that can land does."""
    good = list(_good(changes))
    return _each(good, slots) if strictly else _together(good, slots)


def _good(changes: Sequence[Change]) -> Iterator[Change]:
    """Those that are sound by themselves and with all that landed before."""
    taken: set[int] = set()
    for change in changes:
        if not (change.is_bad or (change.clashes | change.quarrels) & taken):
            taken.add(change.number)
            yield change


def _each(good: Sequence[Change], slots: int) -> dict[int, float]:
    free = [0.0] * slots
    landed: dict[int, float] = {}
    last = 0.0
    for change in good:
        ends = max(change.arrives, free[0]) + change.takes
        heapq.heapreplace(free, ends)
        last = landed[change.number] = max(last, ends)
    return landed


def _together(good: Sequence[Change], slots: int) -> dict[int, float]:
    free = [0.0] * slots
    landed: dict[int, float] = {}
    begun, ends = 0, 0.0
    while begun < len(good):
        starts = max(good[begun].arrives, free[0])
        there = begun
        while there < len(good) and good[there].arrives <= starts:
            there += 1
        ends = starts + good[there - 1].takes
        heapq.heapreplace(free, ends)
        for change in good[begun:there]:
            landed[change.number] = ends
        begun = there
    return landed

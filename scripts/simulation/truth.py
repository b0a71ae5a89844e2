"""Was the target green: judged from the changes in it, and from nothing that the queue believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.changes import Change
    from simulation.queue import Course


def green_share(changes: Sequence[Change], course: Course) -> float:
    """The share of the time in which the target was green, from the first change to the last."""
    within: set[int] = set()
    green, is_green, since = 0.0, True, 0.0
    for when, brought in course.values:
        green += (when - since) * is_green
        since = when
        for number in brought:
            if number in within:
                raise AssertionError(f"change {number} landed twice")
            change = changes[number]
            odds = (change.clashes | change.quarrels) & within
            is_green = is_green and not change.is_bad and not odds
            within.add(number)
    green += (course.ended - since) * is_green
    return green / course.ended if course.ended else 1.0

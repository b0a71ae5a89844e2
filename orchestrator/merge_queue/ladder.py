"""Where to look in a chain of changes, each of which may be the first bad one.

A prefix passes when nothing in it is bad. Looks are spread so that the first bad change is
equally likely between any two of them: that is what teaches most per round, however many slots
there are, and it becomes a section by k below a prefix known to be red, a look at each where
failures are frequent, and one look at everything where they are not. Numbers only: what the
changes are, ``train`` knows.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RARE, FREQUENT = 0.005, 0.9
"""A failure rate outside of this is an estimate from too little."""

POSSIBLE = tuple(RARE * (FREQUENT / RARE) ** (step / 15) for step in range(16))
"""The failure rates that are held possible."""

_NEGLIGIBLE = 1e-4

BAD_BEFORE, SEEN_BEFORE = 0.1, 4.0
"""What counts as seen before anything was: so little that rare and frequent are about as likely."""


def beliefs(passed: int, failed: int, red: Iterable[int] = ()) -> list[float]:
    """How likely each of ``POSSIBLE`` is after so many outcomes, and ``red`` stretches of so many changes.

    Of a stretch at least one is bad, and no more is known. So a few red looks tell at once that
    failures are frequent, long before as many changes have been refused.
    """
    bad, good = BAD_BEFORE + failed, SEEN_BEFORE - BAD_BEFORE - 1 + passed
    logs = [bad * math.log(rate) + good * math.log1p(-rate) for rate in POSSIBLE]
    for length in red:
        ones = (-math.expm1(length * math.log1p(-rate)) for rate in POSSIBLE)
        logs = [known + math.log(one) for known, one in zip(logs, ones, strict=True)]
    most = max(logs)
    weights = [math.exp(known - most) for known in logs]
    total = sum(weights)
    return [weight / total for weight in weights]


def believed_survival(belief: Sequence[float], suspects: Sequence[int | None]) -> list[float]:
    """How likely all up to each are good, whatever the rate is."""
    together = [0.0] * len(suspects)
    for likely, rate in zip(belief, POSSIBLE, strict=True):
        if likely >= _NEGLIGIBLE:
            alive = survival(hazards(rate, suspects))
            together = [sum_ + likely * left for sum_, left in zip(together, alive, strict=True)]
    return together


def hazards(rate: float, suspects: Iterable[int | None]) -> list[float]:
    """How likely each change is bad, those before it being good.

    ``suspects`` tells of each among how many, from it on, one is known to be bad; None: nothing
    is known.
    """
    good = math.log1p(-min(max(rate, RARE), FREQUENT))
    one = -math.expm1(good)
    return [one if left is None else one / -math.expm1(good * left) for left in suspects]


def survival(hazard: Sequence[float]) -> list[float]:
    """How likely all up to each are good."""
    return list(accumulate((1 - bad for bad in hazard), lambda left, good: left * good))


def rungs(alive: Sequence[float], looks: int) -> list[int]:
    """Up to ``looks`` places, the deepest last, that cut the likelihoods of ``survival`` evenly.

    As far as a look has a fair chance, or to the end where that is nearer.
    """
    if not alive or looks < 1:
        return []
    lowest = max(alive[-1], 1 / (looks + 1))
    places = (_nearest(alive, 1 - (1 - lowest) * at / looks) for at in range(1, looks + 1))
    return sorted(set(places))


def _nearest(alive: Sequence[float], wanted: float) -> int:
    """Where ``alive``, which falls, comes nearest to ``wanted``."""
    at = bisect_left(alive, -wanted, key=lambda left: -left)
    if at == len(alive):
        return at - 1
    return at - 1 if at and alive[at - 1] - wanted < wanted - alive[at] else at


def unserved(wanted: Sequence[int], running: Iterable[int]) -> list[int]:
    """The places without those that a look under way serves, each of which serves the nearest."""
    left = list(wanted)
    for place in running:
        if left:
            left.remove(min(left, key=lambda other: abs(other - place)))
    return left

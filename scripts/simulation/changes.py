"""The changes that come: when, how long each takes to verify, and what is truly wrong with them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

NEIGHBOURS = 32
"""Changes so near to each other were in flight together, and may conflict."""

SPREAD, SHORTEST = 0.15, 0.3
"""Verifying takes 1 on average, by this deviation, and never less than that."""


@dataclass(frozen=True, slots=True)
class Change:
    """``clashes`` with others do not merge; ``quarrels`` merge, and are red together only."""

    number: int
    arrives: float
    takes: float
    is_bad: bool
    clashes: set[int] = field(default_factory=set)
    quarrels: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What comes: ``rate`` changes arrive in the time one verification takes; 0: all at once.

    ``conflicts``: how likely two neighbours conflict, in text or only in meaning alike.
    """

    changes: int
    rate: float
    failures: float
    conflicts: float
    seed: int

    def made(self) -> tuple[Change, ...]:
        chance = random.Random(self.seed)  # noqa: S311 - the same again for the same seed
        now, changes = 0.0, []
        for number in range(self.changes):
            now += chance.expovariate(self.rate) if self.rate else 0.0
            takes = max(SHORTEST, chance.gauss(1, SPREAD))
            changes.append(Change(number, now, takes, chance.random() < self.failures))
        for change in changes:
            for other in changes[max(0, change.number - NEIGHBOURS) : change.number]:
                if chance.random() < self.conflicts:
                    _put_at_odds(change, other, in_text=chance.random() < 0.5)
        return tuple(changes)


def _put_at_odds(one: Change, other: Change, *, in_text: bool) -> None:
    for here, there in ((one, other), (other, one)):
        (here.clashes if in_text else here.quarrels).add(there.number)

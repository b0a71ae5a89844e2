"""Who may run now: the cores, the memory and the named resources that all checks of an engine share.

One owner for all of it. What a check needs it gets in one step or not at all, so nobody waits with
something in hand and no two can wait for each other. Whoever waits keeps its place: nothing behind it may
take what it waits for, so that one that wants much is never starved by many that want little.
``admitted`` decides and is pure; ``Slots`` only remembers who waits and who runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import anyio

from orchestrator.verification.strain import available_memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOK_AGAIN_SECONDS = 2.0
"""Memory is freed by others without a word to us: whoever waits looks again that often."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one run of a check takes.

    ``turn`` is its verification's place in line (``Slots.turn``), ``urgency`` its own among those of
    the same verification, ``weight`` the slots it takes, ``exclusive`` the resources it holds alone.
    """

    turn: int = 0
    urgency: float = 0.0
    weight: int = 1
    exclusive: frozenset[str] = frozenset()


def admitted(
    waiting: Sequence[Claim], running: Iterable[Claim], *, size: int, short_of_memory: bool
) -> list[int]:
    """The places in ``waiting`` of those who may start now; it is in the order of precedence.

    Names are reserved by the first who wants them, slots by the first whom only slots keep waiting.
    """
    held: set[str] = set()
    free, alone = size, True
    for claim in running:
        held |= claim.exclusive
        free, alone = free - claim.weight, False
    starting: list[int] = []
    for place, claim in enumerate(waiting):
        barred = not held.isdisjoint(claim.exclusive)
        held |= claim.exclusive
        if barred:
            continue
        if claim.weight > free or (short_of_memory and not alone):
            break
        starting.append(place)
        free, alone = free - claim.weight, False
    return starting


class _Place:
    """Somebody in line; ``admitted`` is set once it may run."""

    def __init__(self, claim: Claim, number: int) -> None:
        self.claim = claim
        self.admitted = anyio.Event()
        self.precedence = (claim.turn, -claim.urgency, number)


class Slots:
    """``size`` slots; no further check starts beside others with less ``memory`` than ``reserve``.

    ``memory`` tells the bytes that are available, None where nobody knows.
    """

    def __init__(
        self,
        size: int,
        *,
        reserve: int = 0,
        memory: Callable[[], int | None] = available_memory,
    ) -> None:
        self.size = size
        self._reserve = reserve
        self._memory = memory
        self._turns, self._numbers = count(1), count(1)
        self._waiting: list[_Place] = []
        self._running: list[_Place] = []

    def turn(self) -> int:
        """The place in line of a verification that begins now."""
        return next(self._turns)

    @asynccontextmanager
    async def hold(self, claim: Claim) -> AsyncIterator[None]:
        """Hold what ``claim`` wants, once it is its turn; more slots than there are count as all."""
        fitting = replace(claim, weight=min(claim.weight, self.size))
        place = _Place(fitting, next(self._numbers))
        self._waiting.append(place)
        self._waiting.sort(key=lambda one: one.precedence)
        try:
            await self._admission(place)
            yield
        finally:
            (self._running if place.admitted.is_set() else self._waiting).remove(place)
            self._admit()

    async def _admission(self, place: _Place) -> None:
        self._admit()
        while not place.admitted.is_set():
            with anyio.move_on_after(LOOK_AGAIN_SECONDS):
                await place.admitted.wait()
            self._admit()

    def _admit(self) -> None:
        if not self._waiting:
            return
        starting = admitted(
            [place.claim for place in self._waiting],
            (place.claim for place in self._running),
            size=self.size,
            short_of_memory=self._is_short_of_memory(),
        )
        for place in [self._waiting[number] for number in starting]:
            self._waiting.remove(place)
            self._running.append(place)
            place.admitted.set()

    def _is_short_of_memory(self) -> bool:
        available = self._memory() if self._reserve else None
        return available is not None and available < self._reserve

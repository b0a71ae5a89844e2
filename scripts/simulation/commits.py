"""The simulated repository: merges of changes, and what is truly the matter with each.

A tree is the set of changes in it, however it came about. Who is in a commit is asked of the
chain down to what has landed, so that a merge costs the same however many landed before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.merge_queue.train import Car, Clash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.merge_queue.train import Entry
    from simulation.changes import Change

ROOT = "root"
_SHUFFLE = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Commit:
    """``tree`` is the same for the same changes in any order."""

    number: int
    base: str
    tree: int
    is_green: bool


class Commits:
    """Couples changes, remembering each merge until it is swept."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._known: dict[str, Commit] = {ROOT: Commit(-1, "", 0, is_green=True)}
        self._made: dict[tuple[str, Entry], Car | Clash] = {}
        self._landed: dict[int, int] = {}
        self._at: dict[str, int] = {ROOT: 0}
        self.merges = 0

    async def couple(self, base: str, entry: Entry) -> Car | Clash:
        made = self._made.get((base, entry))
        if made is None:
            made = self._made[base, entry] = self._merge(base, entry)
        return made

    def of(self, commit: str) -> Commit:
        return self._known[commit]

    def land(self, cars: Sequence[Car]) -> None:
        """Let the target take ``cars``, each on the one before."""
        for car in cars:
            self._landed[self._known[car.commit].number] = len(self._landed) + 1
            self._at[car.commit] = len(self._landed)

    def sweep(self, cars: Iterable[Car], running: Iterable[str]) -> None:
        """Forget merges that no car and no verification needs; they could be made again."""
        kept = {car.commit for car in cars} | set(running) | set(list(self._at)[-1:])
        self._known = {name: self._known[name] for name in kept}
        self._made.clear()
        self._at = {name: at for name, at in self._at.items() if name in kept}

    def _merge(self, base: str, entry: Entry) -> Car | Clash:
        self.merges += 1
        change = self._changes[int(entry.head)]
        if change.clashes and (hits := self._within(base, change.clashes)):
            return Clash(tuple(map(str, sorted(hits))))
        below = self._known[base]
        tree = below.tree ^ (((change.number + 1) * _SHUFFLE * (change.number + 7)) & _WORD)
        is_green = below.is_green and not change.is_bad
        if is_green and change.quarrels:
            is_green = not self._within(base, change.quarrels)
        name = f"{self.merges}"
        self._known[name] = Commit(change.number, base, tree, is_green)
        return Car(entry, name, f"{tree}", base)

    def _within(self, commit: str, numbers: set[int]) -> set[int]:
        """Which of ``numbers`` are in ``commit``."""
        found: set[int] = set()
        while commit not in self._at:
            known = self._known[commit]
            found |= numbers & {known.number}
            commit = known.base
        landed = self._at[commit]
        return found | {n for n in numbers if 0 < self._landed.get(n, 0) <= landed}

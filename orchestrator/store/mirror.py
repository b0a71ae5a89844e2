"""What the store holds in memory, so that reading costs no SQL.

A mirror holds exactly what is committed: ``apply`` takes over what a transaction staged, after
the commit and never before. Groups (the tasks of a plan, the attempts of a task) are sorted
once and kept as tuples until one of their members changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from orchestrator.store.converters import R, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.store.tables import Key, MirroredTable


@dataclass(frozen=True, slots=True)
class Kept(Generic[R]):
    """A record as it is stored; ``revision`` is its row's."""

    record: R
    revision: int


class Mirror(Generic[R]):
    """The committed records of one table."""

    def __init__(self, table: MirroredTable[R]) -> None:
        self.table = table
        self._groups: dict[Key, dict[Key, Kept[R]]] = {}
        self._sorted: dict[Key, tuple[R, ...]] = {}

    def load(self, rows: Iterable[Row]) -> None:
        """Hold these rows and nothing else."""
        self._groups.clear()
        self._sorted.clear()
        for row in rows:
            record = self.table.converter.to_record(row)
            self._hold(self.table.key_of(record), Kept(record, row["revision"]))

    def kept(self, key: Key) -> Kept[R] | None:
        return self._groups.get(key[:-1], {}).get(key)

    def record(self, key: Key) -> R:
        """Raises KeyError for one that is not there."""
        return self._groups[key[:-1]][key].record

    def group(self, group: Key) -> tuple[R, ...]:
        """The records whose key begins with ``group``, in order."""
        if group not in self._sorted:
            members = (kept.record for kept in self._groups.get(group, {}).values())
            self._sorted[group] = tuple(sorted(members, key=self.table.order_of))
        return self._sorted[group]

    def apply(self, changes: Mapping[Key, Kept[R] | None]) -> None:
        """Take over committed changes; None means removed."""
        for key, kept in changes.items():
            self._sorted.pop(key[:-1], None)
            if kept is None:
                self._groups.get(key[:-1], {}).pop(key, None)
            else:
                self._hold(key, kept)

    def _hold(self, key: Key, kept: Kept[R]) -> None:
        self._groups.setdefault(key[:-1], {})[key] = kept

"""What the store holds in memory, so that reading costs no SQL.

A mirror holds exactly what is committed: ``apply`` takes over what a transaction staged, after
the commit and never before. Groups (the tasks of a plan, the attempts of a task) are kept as
tuples until one of their members changes, and sorted only when one came or changed its place.
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
        self._disordered: set[Key] = set()

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
        known = self._sorted.get(group)
        if known is None:
            members = self._in_order(group).values()
            known = self._sorted[group] = tuple([kept.record for kept in members])
        return known

    def _in_order(self, group: Key) -> Mapping[Key, Kept[R]]:
        """The members of a group in order, which a change of one seldom disturbs."""
        members = self._groups.get(group, {})
        if group in self._disordered:
            ranked = sorted(members.items(), key=lambda item: self.table.order_of(item[1].record))
            members = self._groups[group] = dict(ranked)
            self._disordered.discard(group)
        return members

    def apply(self, changes: Mapping[Key, Kept[R] | None]) -> None:
        """Take over committed changes; None means removed."""
        for key, kept in changes.items():
            self._sorted.pop(key[:-1], None)
            if kept is None:
                self._groups.get(key[:-1], {}).pop(key, None)
            else:
                self._hold(key, kept)

    def _hold(self, key: Key, kept: Kept[R]) -> None:
        members = self._groups.setdefault(key[:-1], {})
        known, order_of = members.get(key), self.table.order_of
        if known is None or order_of(known.record) != order_of(kept.record):
            self._disordered.add(key[:-1])
        members[key] = kept

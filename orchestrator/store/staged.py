"""What one transaction has done to one mirrored table, not yet committed.

Every write goes to the database at once and to the mirror only after the commit. A change is
accepted only from one who knows what is stored: ``old`` must equal it, and the row must still
have the revision it was read at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from orchestrator.errors import StoreError
from orchestrator.store.converters import R
from orchestrator.store.mirror import Kept, Mirror

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestrator.store.tables import Key


class Staged(Generic[R]):
    """Uncommitted changes over ``mirror``; ``raced`` tells that the mirror was out of date."""

    def __init__(self, connection: Connection, mirror: Mirror[R]) -> None:
        self.raced = False
        self._connection = connection
        self._mirror = mirror
        self._table = mirror.table
        self._changes: dict[Key, Kept[R] | None] = {}

    def add(self, record: R) -> R:
        """Store a new record and return it as stored; raises StoreError if its key is taken."""
        key = self._table.key_of(record)
        if self._kept(key) is not None:
            raise StoreError(f"{self._table.subject(key)} is already stored")
        row = self._table.converter.to_row(record)
        self._connection.execute(self._table.insert, row | {"revision": 1})
        return self._stage(key, self._table.converter.to_record(row), 1)

    def update(self, old: R, new: R) -> R:
        """Put ``new`` in the place of ``old``; raises StoreError unless ``old`` is stored now."""
        key = self._table.key_of(old)
        if self._table.key_of(new) != key:
            raise StoreError(f"{self._table.subject(key)} cannot take the place of another")
        kept = self._current(key, old)
        row = self._table.converter.to_row(new)
        revision = kept.revision + 1
        values = row | {"revision": revision} | self._table.at(key, kept.revision)
        changed = self._connection.execute(self._table.update, values)
        self._refuse_race(key, changed.rowcount)
        return self._stage(key, self._table.converter.to_record(row), revision)

    def replace(self, record: R) -> R:
        """Put ``record`` in the place of whatever is stored under its key."""
        return self.update(self.stored(self._table.key_of(record)), record)

    def remove(self, key: Key) -> None:
        """Remove a record; raises StoreError if there is none."""
        kept = self._current(key, self.stored(key))
        gone = self._connection.execute(self._table.delete, self._table.at(key, kept.revision))
        self._refuse_race(key, gone.rowcount)
        self._changes[key] = None

    def stored(self, key: Key) -> R:
        """The record as this transaction sees it; raises StoreError if there is none."""
        kept = self._kept(key)
        if kept is None:
            raise StoreError(f"{self._table.subject(key)} is not stored")
        return kept.record

    def keys(self, group: Key) -> tuple[Key, ...]:
        """The keys of a group as this transaction sees them."""
        known = dict.fromkeys(map(self._table.key_of, self._mirror.group(group)))
        known |= dict.fromkeys(key for key in self._changes if key[:-1] == group)
        return tuple(key for key in known if self._kept(key) is not None)

    def take_over(self) -> None:
        """Show the changes in the mirror; for after the commit."""
        self._mirror.apply(self._changes)

    def _kept(self, key: Key) -> Kept[R] | None:
        return self._changes[key] if key in self._changes else self._mirror.kept(key)

    def _current(self, key: Key, old: R) -> Kept[R]:
        kept = self._kept(key)
        if kept is None:
            raise StoreError(f"{self._table.subject(key)} is not stored")
        if kept.record is not old and kept.record != self._table.converter.as_stored(old):
            raise self._changed_meanwhile(key)
        return kept

    def _refuse_race(self, key: Key, rowcount: int) -> None:
        if rowcount != 1:
            self.raced = True
            raise self._changed_meanwhile(key)

    def _changed_meanwhile(self, key: Key) -> StoreError:
        return StoreError(
            f"{self._table.subject(key)} was changed meanwhile; read it again and decide anew"
        )

    def _stage(self, key: Key, record: R, revision: int) -> R:
        self._changes[key] = Kept(record, revision)
        return record

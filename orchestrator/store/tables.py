"""Where each kind of record is kept, with its statements built once.

*Mirrored* kinds (plans, tasks, attempts) change, carry a revision and are held in memory;
*logged* kinds (verifications, runs of checks, events) only grow and are numbered by the database. SQLAlchemy
caches what it compiled by statement, so statements are made here and only given values later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from sqlalchemy import bindparam, delete, insert, select, update

from orchestrator.events import Event
from orchestrator.records import (
    AttemptRecord,
    CheckRunRecord,
    PlanRecord,
    TaskRecord,
    VerificationRecord,
)
from orchestrator.store.converters import Converter, R
from orchestrator.store.rows import (
    AttemptRow,
    CheckRunRow,
    EventRow,
    PlanRow,
    TaskRow,
    VerificationRow,
)

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlmodel import SQLModel

Key = tuple[Any, ...]
"""The primary key of a record; all but its last part name the group it is listed in."""


class MirroredTable(Generic[R]):
    """A table whose rows change. ``key`` and ``order`` are names of fields."""

    def __init__(self, row: type[SQLModel], kind: type[R], *, key: Key, order: str) -> None:
        self.converter = Converter(kind)
        self.table = _table_of(row, {*self.converter.columns, "revision"})
        self._key = key
        self._order = order
        at_key = [self.table.c[name] == bindparam(f"key_{name}") for name in key]
        at_revision = self.table.c.revision == bindparam("old_revision")
        self.select = select(self.table)
        self.insert = insert(self.table)
        self.update = update(self.table).where(*at_key, at_revision)
        self.delete = delete(self.table).where(*at_key, at_revision)

    def key_of(self, record: R) -> Key:
        return tuple(getattr(record, name) for name in self._key)

    def order_of(self, record: R) -> tuple[Any, ...]:
        """What records of one group are sorted by."""
        return (getattr(record, self._order), *self.key_of(record))

    def at(self, key: Key, revision: int) -> dict[str, Any]:
        """The values that point ``update`` and ``delete`` at one row as it was read."""
        where = {f"key_{name}": part for name, part in zip(self._key, key, strict=True)}
        return where | {"old_revision": revision}

    def subject(self, key: Key) -> str:
        """What a message calls the record: ``task 'shop/cart'``."""
        return f"{self.table.name} '{'/'.join(map(str, key))}'"


class LoggedTable(Generic[R]):
    """A table that only grows; ``number`` is the column the database fills."""

    def __init__(self, row: type[SQLModel], kind: type[R], *, number: str) -> None:
        self.converter = Converter(kind)
        self.table = _table_of(row, set(self.converter.columns))
        self.number = self.table.c[number]
        self.select = select(self.table)
        self.insert = insert(self.table)

    def to_row(self, record: R) -> dict[str, Any]:
        """The columns of ``record`` but its number."""
        row = self.converter.to_row(record)
        del row[self.number.name]
        return row


def _table_of(row: type[SQLModel], columns: set[str]) -> Table:
    """The table of ``row``; raises TypeError where its columns are not the record's fields."""
    table = row.metadata.tables[str(row.__tablename__)]
    differing = columns ^ set(table.c.keys())
    if differing:
        raise TypeError(f"{row.__name__} and its record differ in {', '.join(sorted(differing))}")
    return table


PLANS = MirroredTable(PlanRow, PlanRecord, key=("name",), order="position")
TASKS = MirroredTable(TaskRow, TaskRecord, key=("plan", "id"), order="position")
ATTEMPTS = MirroredTable(AttemptRow, AttemptRecord, key=("plan", "task", "number"), order="number")
VERIFICATIONS = LoggedTable(VerificationRow, VerificationRecord, number="id")
CHECK_RUNS = LoggedTable(CheckRunRow, CheckRunRecord, number="id")
EVENTS = LoggedTable(EventRow, Event, number="seq")

"""The state of the engine: what is known of plans, tasks, attempts, and all that happened.

The engine's event loop thread is the only caller. Plans, tasks and attempts are mirrored in
memory: reading them costs no SQL. Writing goes through ``write`` alone. Nothing here decides;
the rules of moves are in ``states``, and rows never leave this package.

Unknown names: ``plan`` and ``task`` raise KeyError, lists are empty, ``last_verification`` is
None.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Self

from sqlalchemy import func, select

from orchestrator.errors import StateLost, StoreDamaged
from orchestrator.events import Event, EventKind
from orchestrator.records import VerificationSpan
from orchestrator.store import schema
from orchestrator.store.damage import refuse_empty, set_aside
from orchestrator.store.database import Database
from orchestrator.store.mirror import Mirror
from orchestrator.store.newest import NewestVerifications
from orchestrator.store.tables import ATTEMPTS, CHECK_RUNS, EVENTS, PLANS, TASKS, VERIFICATIONS
from orchestrator.store.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Select

    from orchestrator.records import (
        AttemptRecord,
        CheckRunRecord,
        PlanRecord,
        TaskRecord,
        VerificationRecord,
    )

RECENT_EVENTS = 512
"""As many are kept in memory, since every client that follows asks for the newest few."""

_VERIFICATION = VERIFICATIONS.table.c
_SPAN = tuple(_VERIFICATION[each.name] for each in fields(VerificationSpan))
_RUN = CHECK_RUNS.table.c
_EVENT = EVENTS.table.c


class Store:
    """Open by ``open`` or ``open_readonly``; close by ``close`` or use as a context manager.

    ``on_commit`` is handed the events of each transaction after it was committed, in order; it
    must not raise. ``before_write`` may forbid a transaction, by raising before anything of it
    is done.
    """

    def __init__(self, database: Database) -> None:
        self.on_commit: Callable[[Sequence[Event]], None] | None = None
        self.before_write: Callable[[], None] | None = None
        self._database = database
        self._plans = Mirror(PLANS)
        self._tasks = Mirror(TASKS)
        self._attempts = Mirror(ATTEMPTS)
        self._newest = NewestVerifications(database)
        self._recent: deque[Event] = deque(maxlen=RECENT_EVENTS)
        self.refresh()
        with database.telling():
            self._generation = schema.generation(database.reader)

    @classmethod
    def open(cls, url: str, *, backed_up: bool = False) -> Self:
        """Open for writing, making or bringing up the tables as needed.

        ``url`` is an SQLAlchemy URL, by default ``sqlite:////folder/clerk.db``; ``backed_up`` is
        leave to bring up the tables on a server, which cannot be copied from here. Raises
        StoreDamaged for what is no whole database, StoreError for one that is out of reach, of a
        newer version or another program's.
        """
        return cls._over(Database.open(url), partial(schema.prepare, backed_up=backed_up))

    @classmethod
    def open_or_begin_anew(cls, url: str, *, backed_up: bool = False) -> Self:
        """As ``open``, but what is damaged is moved aside and an empty one begun in its place.

        A warning event says so. Only for who holds the engine's lock.
        """
        try:
            refuse_empty(url)
            return cls.open(url, backed_up=backed_up)
        except StoreDamaged as damaged:
            aside = set_aside(url)
            begun = cls.open(url)
            told = f"{damaged}. Moved aside as {aside.name}; a new one was begun"
            with begun.write() as tx:
                tx.append(Event(EventKind.WARNING, message=told, data={"aside": str(aside)}))
            return begun

    @classmethod
    def open_readonly(cls, url: str) -> Self:
        """Open for reading what is committed now; for clients when no engine answers.

        Raises NothingStored where the tables were never made, StoreError where there is no
        database, or none that this version can read.
        """
        return cls._over(Database.open_readonly(url), schema.require_current)

    @classmethod
    def _over(cls, database: Database, make_ready: Callable[[Database], None]) -> Self:
        try:
            make_ready(database)
            return cls(database)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def claim(self) -> int:
        """Shut out every store opened before: their next write raises StoreError.

        The lock keeps engines apart; this number is the fence for one that slipped through.
        """
        with self._database.transaction() as connection:
            number = schema.generation(connection, for_write=True) + 1
            schema.set_generation(connection, number)
        self._generation = number
        self.refresh()
        return number

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction: everything done through it is kept, or nothing.

        Raises StoreError when another engine has claimed the state, or the database fails.
        """
        if self.before_write is not None:
            self.before_write()
        with self._transaction() as transaction:
            yield transaction
        transaction.take_over()
        self._newest.apply(transaction.verifications, transaction.forgotten)
        if transaction.events:
            self._remember(transaction.events)
            if self.on_commit is not None:
                self.on_commit(tuple(transaction.events))

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        raced = False
        try:
            with self._database.transaction() as connection:
                self._refuse_superseded(connection)
                transaction = Transaction(connection, self._plans, self._tasks, self._attempts)
                try:
                    yield transaction
                finally:
                    raced = transaction.raced
        finally:
            if raced:
                self.refresh()

    def _refuse_superseded(self, connection: Connection) -> None:
        now = schema.generation(connection, for_write=True)
        if now != self._generation:
            raise StateLost(
                f"another engine has taken over {self._database.where}"
                f" (generation {now}, this one is {self._generation}); this one must stop"
            )

    def refresh(self) -> None:
        """Read the mirrors anew; only a reader, or the loser of a race, needs to."""
        self._plans.load(self._database.rows(PLANS.select))
        self._tasks.load(self._database.rows(TASKS.select))
        self._attempts.load(self._database.rows(ATTEMPTS.select))
        self._newest.clear()
        (row,) = self._database.rows(select(func.max(_EVENT.seq).label("last")))
        self._last_seq = int(row["last"] or 0)

    def plans(self) -> tuple[PlanRecord, ...]:
        """All plans in order of their position."""
        return self._plans.group(())

    def plan(self, name: str) -> PlanRecord:
        """Raises KeyError for a name that is unknown."""
        return self._plans.record((name,))

    def tasks(self, plan: str) -> tuple[TaskRecord, ...]:
        """The tasks of a plan in order of their position."""
        return self._tasks.group((plan,))

    def task(self, plan: str, task: str) -> TaskRecord:
        """Raises KeyError for a name that is unknown."""
        return self._tasks.record((plan, task))

    def attempts(self, plan: str, task: str) -> tuple[AttemptRecord, ...]:
        """The attempts at a task by number, the newest last."""
        return self._attempts.group((plan, task))

    def verifications(self, plan: str, task: str) -> tuple[VerificationRecord, ...]:
        """The verifications of a task, the newest last."""
        query = _of_task(plan, task).order_by(_VERIFICATION.id)
        return tuple(map(VERIFICATIONS.converter.to_record, self._database.rows(query)))

    def last_verification(self, plan: str, task: str, purpose: str) -> VerificationRecord | None:
        """The newest verification for ``purpose``, if there was one."""
        return self._newest.of(plan, task).get(purpose)

    def newest_verification(self, plan: str, task: str) -> VerificationRecord | None:
        """The newest verification, for whatever purpose."""
        return next(reversed(self._newest.of(plan, task).values()), None)

    def verification_spans(self, plan: str) -> tuple[VerificationSpan, ...]:
        """When all verifications of a plan began and ended, the newest last."""
        query = select(*_SPAN).where(_VERIFICATION.plan == plan).order_by(_VERIFICATION.id)
        return tuple(VerificationSpan(**row) for row in self._database.rows(query))

    def check_runs(self, check: str, command: str, limit: int) -> tuple[CheckRunRecord, ...]:
        """The newest ``limit`` runs of a check by a command (its hash), the newest first."""
        query = CHECK_RUNS.select.where(_RUN.check_name == check, _RUN.command == command)
        rows = self._database.rows(query.order_by(_RUN.id.desc()).limit(limit))
        return tuple(map(CHECK_RUNS.converter.to_record, rows))

    def runs_by_check(self, since: float = 0.0) -> dict[tuple[str, bool], int]:
        """How many results each check came to, by its name and whether they were known before."""
        count = func.count().label("runs")
        query = select(_RUN.check_name, _RUN.cached, count).where(_RUN.at >= since)
        rows = self._database.rows(query.group_by(_RUN.check_name, _RUN.cached))
        return {(row["check_name"], bool(row["cached"])): row["runs"] for row in rows}

    def events(
        self,
        after: int = 0,
        plan: str | None = None,
        task: str | None = None,
        kind: str | None = None,
        limit: int = 1000,
    ) -> tuple[Event, ...]:
        """The first ``limit`` events with a ``seq`` over ``after``, of one plan, task or kind."""
        if plan is task is kind is None and (news := self._news(after)) is not None:
            return news[:limit]
        query = EVENTS.select.where(_EVENT.seq > after).order_by(_EVENT.seq).limit(limit)
        if plan is not None:
            query = query.where(_EVENT.plan == plan)
        if task is not None:
            query = query.where(_EVENT.task == task)
        if kind is not None:
            query = query.where(_EVENT.kind == str(kind))
        return tuple(map(EVENTS.converter.to_record, self._database.rows(query)))

    def _remember(self, events: Sequence[Event]) -> None:
        if events[0].seq != self._last_seq + 1:  # somebody else wrote: memory has a gap
            self._recent.clear()
        self._recent += events
        self._last_seq = events[-1].seq

    def _news(self, after: int) -> tuple[Event, ...] | None:
        """All events over ``after`` without asking the database; None when some are too old."""
        if not self._recent or self._recent[0].seq > after + 1:
            return None
        newest = takewhile(lambda event: event.seq > after, reversed(self._recent))
        return tuple(newest)[::-1]

    def last_seq(self) -> int:
        """The number of the newest event, 0 before the first."""
        return self._last_seq


def _of_task(plan: str, task: str) -> Select[tuple[object, ...]]:
    return VERIFICATIONS.select.where(_VERIFICATION.plan == plan, _VERIFICATION.task == task)

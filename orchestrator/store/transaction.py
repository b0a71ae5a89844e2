"""The write door: everything that may be done to the state, in one transaction.

All or nothing: an exception out of the ``with`` block undoes every write. Reads through the
store meanwhile show what was committed before. Never await inside the block.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from sqlalchemy import bindparam, delete

from orchestrator.states import check_transition
from orchestrator.store.staged import Staged
from orchestrator.store.tables import CHECK_RUNS, EVENTS, VERIFICATIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestrator.events import Event
    from orchestrator.records import (
        AttemptRecord,
        CheckRunRecord,
        PlanRecord,
        TaskRecord,
        VerificationRecord,
    )
    from orchestrator.store.converters import R
    from orchestrator.store.mirror import Mirror
    from orchestrator.store.tables import LoggedTable

_FORGET_VERIFICATIONS = delete(VERIFICATIONS.table).where(
    VERIFICATIONS.table.c.plan == bindparam("key_plan"),
    VERIFICATIONS.table.c.task == bindparam("key_task"),
)

KEPT_RUNS = 50_000
"""Runs of checks on record, some 200 bytes each."""

_FORGET_EVERY = 500
_FORGET_RUNS = delete(CHECK_RUNS.table).where(CHECK_RUNS.number <= bindparam("newest_forgotten"))


class Transaction:
    """Writes of one transaction. Each returns the record as it is stored.

    Stored text has no NUL and no lone surrogate, so it may differ from what was handed in.
    """

    def __init__(
        self,
        connection: Connection,
        plans: Mirror[PlanRecord],
        tasks: Mirror[TaskRecord],
        attempts: Mirror[AttemptRecord],
    ) -> None:
        self.events: list[Event] = []
        self.verifications: list[VerificationRecord] = []
        self.forgotten: list[tuple[str, str]] = []
        self._connection = connection
        self._plans = Staged(connection, plans)
        self._tasks = Staged(connection, tasks)
        self._attempts = Staged(connection, attempts)

    @property
    def raced(self) -> bool:
        """Whether another process had written what this one changed."""
        return self._plans.raced or self._tasks.raced or self._attempts.raced

    def add_plan(self, plan: PlanRecord) -> PlanRecord:
        """Raises StoreError if the name is taken."""
        return self._plans.add(plan)

    def update_plan(self, old: PlanRecord, new: PlanRecord) -> PlanRecord:
        """Raises StoreError unless ``old`` is what is stored."""
        return self._plans.update(old, new)

    def add_task(self, task: TaskRecord) -> TaskRecord:
        """Raises StoreError if the plan has a task of that id already."""
        return self._tasks.add(task)

    def update_task(self, old: TaskRecord, new: TaskRecord) -> TaskRecord:
        """Change a task, and move it where its state differs.

        Raises StoreError unless ``old`` is what is stored, whole and not only its state;
        IllegalTransition where the table of moves forbids it.
        """
        if new.state is not old.state:
            check_transition(old.state, new.state, subject=f"task '{old.plan}/{old.id}'")
        return self._tasks.update(old, new)

    def restore_task(self, old: TaskRecord, new: TaskRecord) -> TaskRecord:
        """Put a task where git proves it is, whatever the table of moves says.

        Only for a state that was lost or is older than git. Raises StoreError unless ``old`` is
        what is stored, IllegalTransition for what git cannot prove.
        """
        subject = f"task '{old.plan}/{old.id}'"
        check_transition(old.state, new.state, subject=subject, restored=True)
        return self._tasks.update(old, new)

    def remove_task(self, plan: str, task: str) -> None:
        """Remove a task with its attempts and verifications; its events stay."""
        for key in self._attempts.keys((plan, task)):
            self._attempts.remove(key)
        self._forget_verifications(plan, task)
        self._tasks.remove((plan, task))

    def remove_plan(self, name: str) -> None:
        """Remove a plan with all its tasks; its events stay."""
        for _, task in self._tasks.keys((name,)):
            self.remove_task(name, task)
        self._forget_verifications(name, "")
        self._plans.remove((name,))

    def add_attempt(self, attempt: AttemptRecord) -> AttemptRecord:
        """Raises StoreError if the task has an attempt of that number already."""
        return self._attempts.add(attempt)

    def update_attempt(self, attempt: AttemptRecord) -> AttemptRecord:
        """Replace the attempt of the same number; raises StoreError if there is none."""
        return self._attempts.replace(attempt)

    def add_verification(self, verification: VerificationRecord) -> VerificationRecord:
        """Returns the record with its ``id``, whatever id it came with."""
        number = self._log(VERIFICATIONS, verification)
        kept = replace(VERIFICATIONS.converter.as_stored(verification), id=number)
        self.verifications.append(kept)
        return kept

    def add_check_run(self, run: CheckRunRecord) -> None:
        """Keep a run, and now and then forget those that are older than the newest ``KEPT_RUNS``."""
        number = self._log(CHECK_RUNS, run)
        if number % _FORGET_EVERY == 0:
            self._connection.execute(_FORGET_RUNS, {"newest_forgotten": number - KEPT_RUNS})

    def append(self, event: Event) -> Event:
        """Returns the event with its ``seq``, and with the time of now if it had none."""
        timed = replace(event, at=event.at or time.time())
        number = self._log(EVENTS, timed)
        self.events.append(replace(EVENTS.converter.as_stored(timed), seq=number))
        return self.events[-1]

    def take_over(self) -> None:
        """Show the changes in the mirrors; for after the commit."""
        for staged in (self._plans, self._tasks, self._attempts):
            staged.take_over()

    def _forget_verifications(self, plan: str, task: str) -> None:
        self._connection.execute(_FORGET_VERIFICATIONS, {"key_plan": plan, "key_task": task})
        self.forgotten.append((plan, task))
        kept = [one for one in self.verifications if (one.plan, one.task) != (plan, task)]
        self.verifications = kept

    def _log(self, table: LoggedTable[R], record: R) -> int:
        """Add a row and return the number the database gave it."""
        result = self._connection.execute(table.insert, table.to_row(record))
        return cast("tuple[int]", result.inserted_primary_key)[0]

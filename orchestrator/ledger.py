"""The one owner of state: every move of a task, and the event that tells it, in one transaction.

Sessions, verifications and landings report to the scheduler; the scheduler moves tasks through
here; nobody else writes. A move that the table in ``states`` forbids raises, and then nothing
is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.crash_points import crash_point
from orchestrator.errors import IllegalTransition
from orchestrator.events import Event, EventKind
from orchestrator.states import TaskState
from orchestrator.verification_records import runs_of

if TYPE_CHECKING:
    from orchestrator.clock import Clock
    from orchestrator.records import AttemptRecord, PlanRecord, TaskRecord, VerificationRecord
    from orchestrator.store import Store


class Ledger:
    """Writes facts and announces them; whoever decides by time goes by its ``clock``."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def task(self, plan: str, task: str) -> TaskRecord:
        """The task as it stands now; raises KeyError."""
        return self.store.task(plan, task)

    def move(
        self,
        record: TaskRecord,
        state: TaskState,
        *,
        reason: str = "",
        data: Mapping[str, Any] | None = None,
        opened: AttemptRecord | None = None,
        closed: AttemptRecord | None = None,
        announced: Event | None = None,
        **changes: Any,
    ) -> TaskRecord:
        """Move a task, change its facts, open or close an attempt, and say so; returns the task.

        ``announced`` is a fact to be told with it.

        ``record`` is what the caller decided on: facts may have changed since, its state not.
        Raises IllegalTransition when it has, or when the table forbids the move.
        """
        current = self.task(record.plan, record.id)
        if current.state is not record.state:
            raise IllegalTransition(
                f"task '{record.plan}/{record.id}' is {current.state} by now, not {record.state}"
            )
        now = self.clock()
        new = replace(current, state=state, reason=reason, changed_at=now, **changes)
        told = {"from": current.state, "to": state, "seconds": _stayed(current, now)}
        with self.store.write() as tx:
            tx.update_task(current, new)
            if opened is not None:
                tx.add_attempt(opened)
            if closed is not None:
                tx.update_attempt(closed)
            tx.append(
                Event(
                    EventKind.TASK_CHANGED,
                    plan=record.plan,
                    task=record.id,
                    attempt=new.sessions,
                    message=reason,
                    data=told | dict(data or {}),
                    at=now,
                )
            )
            if announced is not None:
                tx.append(replace(announced, at=now))
            crash_point("move.written")
        crash_point("move.kept")
        return self.task(record.plan, record.id)

    def land(self, record: TaskRecord, commit: str, base: str, reason: str) -> TaskRecord:
        """Put on record that the target holds the task as ``commit``, built on ``base``."""
        data = {"commit": commit, "base": base}
        merged = Event(
            EventKind.TASK_MERGED,
            plan=record.plan,
            task=record.id,
            message=f"landed as {commit[:9]}",
            data=data,
        )
        return self.move(
            record,
            TaskState.MERGED,
            reason=reason,
            data=data,
            announced=merged,
            merged_commit=commit,
            held="",
        )

    def take_back(self, record: TaskRecord, commit: str, reason: str) -> TaskRecord:
        """Put on record that the target is rid of a landed task since ``commit``."""
        current = self.task(record.plan, record.id)
        facts: dict[str, Any] = {"revert_requested": False, "held": "", "reason": reason}
        told = Event(
            EventKind.TASK_REVERTED,
            plan=record.plan,
            task=record.id,
            message=reason,
            data={"commit": commit, "of": current.merged_commit},
            at=self.clock(),
        )
        with self.store.write() as tx:
            tx.update_task(current, replace(current, reverted_commit=commit, **facts))
            tx.append(told)
        return self.task(record.plan, record.id)

    def amend(self, record: TaskRecord, **changes: Any) -> TaskRecord:
        """Change facts of a task that stays where it is; not announced."""
        current = self.task(record.plan, record.id)
        new = replace(current, **changes)
        if new != current:
            with self.store.write() as tx:
                tx.update_task(current, new)
        return self.task(record.plan, record.id)

    def restore(self, record: TaskRecord, new: TaskRecord, reason: str) -> None:
        """Put a task where git proves it is, past the table of moves, and say so."""
        data = {"from": record.state, "to": new.state, "restored": True}
        with self.store.write() as tx:
            tx.restore_task(self.task(record.plan, record.id), new)
            tx.append(
                Event(
                    EventKind.TASK_CHANGED,
                    plan=record.plan,
                    task=record.id,
                    attempt=new.sessions,
                    message=reason,
                    data=data,
                    at=self.clock(),
                )
            )

    def close_attempt(self, attempt: AttemptRecord) -> None:
        """Keep what is known of an attempt."""
        with self.store.write() as tx:
            tx.update_attempt(attempt)

    def verified(self, verification: VerificationRecord, event: Event) -> VerificationRecord:
        """Put a verification on record, with the runs of its checks, and announce it."""
        with self.store.write() as tx:
            stored = tx.add_verification(verification)
            for run in runs_of(stored):
                tx.add_check_run(run)
            tx.append(replace(event, at=self.clock()))
        return stored

    def begin(self, plan: PlanRecord, tasks: tuple[TaskRecord, ...]) -> None:
        """Take in a whole plan at once."""
        with self.store.write() as tx:
            tx.add_plan(plan)
            for task in tasks:
                tx.add_task(task)
            tx.append(
                Event(
                    EventKind.PLAN_STARTED,
                    plan=plan.name,
                    message=f"{len(tasks)} tasks for {plan.target}",
                    at=self.clock(),
                )
            )

    def change_plan(
        self, name: str, kind: EventKind, message: str = "", **changes: Any
    ) -> PlanRecord:
        """Change facts of a plan and announce it."""
        old = self.store.plan(name)
        with self.store.write() as tx:
            tx.update_plan(old, replace(old, **changes))
            tx.append(Event(kind, plan=name, message=message, at=self.clock()))
        return self.store.plan(name)

    def tell(self, kind: EventKind, message: str = "", **fields: Any) -> None:
        """Announce a fact that changes no state."""
        with self.store.write() as tx:
            tx.append(Event(kind, message=message, at=self.clock(), **fields))


def _stayed(record: TaskRecord, now: float) -> float:
    return round(max(0.0, now - record.changed_at), 3) if record.changed_at else 0.0

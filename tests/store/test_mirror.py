"""Whatever is done, memory shows exactly what a fresh look at the database shows."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store.conftest import a_plan

from orchestrator.errors import IllegalTransition, StoreError
from orchestrator.events import Event, EventKind
from orchestrator.records import AttemptRecord, TaskRecord
from orchestrator.states import TRANSITIONS, TaskState
from orchestrator.store import Store
from orchestrator.store.transaction import Transaction

IDS = ("a", "b", "c")


class Refusal(Exception):
    """Ends a transaction that must leave no trace."""


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{self.folder.name}/clerk.db"
        self.store = Store.open(self.url)
        with self.store.write() as tx:
            tx.add_plan(a_plan("p"))
        self.model: dict[str, TaskRecord] = {}
        self.events: list[Event] = []

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(ids=st.sets(st.sampled_from(IDS), min_size=1), position=st.integers(0, 3))
    def add(self, ids: set[str], position: int) -> None:
        tasks = {i: TaskRecord("p", i, position=position) for i in sorted(ids)}
        if ids & set(self.model):
            with pytest.raises(StoreError, match="already stored"):
                self._add(tasks)
        else:
            self._add(tasks)
            self.model |= tasks

    def _add(self, tasks: dict[str, TaskRecord]) -> None:
        with self.store.write() as tx:
            for task in tasks.values():
                tx.add_task(task)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), state=st.sampled_from(TaskState), position=st.integers(0, 3))
    def move(self, data: st.DataObject, state: TaskState, position: int) -> None:
        old = self.model[data.draw(st.sampled_from(sorted(self.model)))]
        new = replace(old, state=state, position=position, sessions=old.sessions + 1)
        if state in {old.state, *TRANSITIONS[old.state]}:
            self.model[old.id], event = self._move(old, new)
            self.events.append(event)
        else:
            with pytest.raises(IllegalTransition):
                self._move(old, new)

    def _move(self, old: TaskRecord, new: TaskRecord) -> tuple[TaskRecord, Event]:
        with self.store.write() as tx:
            event = tx.append(Event(EventKind.TASK_CHANGED, "p", old.id))
            return tx.update_task(old, new), event

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def attempt(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.model)))
        number = len(self.store.attempts("p", task)) + 1
        with self.store.write() as tx:
            tx.add_attempt(AttemptRecord("p", task, number, "replay", "none"))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.model)))
        with self.store.write() as tx:
            tx.remove_task("p", task)
        del self.model[task]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def fail_halfway(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.model)))
        with pytest.raises(Refusal), self.store.write() as tx:
            self._wreck(tx, self.model[task])

    def _wreck(self, tx: Transaction, task: TaskRecord) -> None:
        tx.update_task(task, replace(task, note="never"))
        tx.remove_task("p", task.id)
        tx.add_task(replace(task, note="nor this"))
        tx.append(Event(EventKind.WARNING))
        raise Refusal

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.url)
        self.store.claim()

    @invariant()
    def memory_model_and_database_agree(self) -> None:
        expected = tuple(sorted(self.model.values(), key=lambda t: (t.position, t.id)))
        with Store.open_readonly(self.url) as fresh:
            assert fresh.tasks("p") == self.store.tasks("p") == expected
            assert fresh.events() == self.store.events() == tuple(self.events)
            assert fresh.last_seq() == self.store.last_seq()
            for task in IDS:
                assert fresh.attempts("p", task) == self.store.attempts("p", task)


Machine.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_memory_model_and_database_agree_after_any_operations = Machine.TestCase

"""The plans in force, each parsed once from the text it was started with.

Criteria are the architect's: a plan is read from the store, never from the file as it is now
and never from a branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import agents, reports
from orchestrator.errors import UsageError
from orchestrator.plan.load import parse_plan
from orchestrator.scheduling.decision import PlanSnapshot

if TYPE_CHECKING:
    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import PlanRecord, TaskRecord
    from orchestrator.store import Store


class PlanBook:
    """Plans by name, on top of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parsed: dict[str, tuple[str, Plan, dict[str, Task]]] = {}

    def names(self) -> tuple[str, ...]:
        return tuple(record.name for record in self._store.plans())

    def record(self, name: str) -> PlanRecord:
        """The plan as stored; raises UsageError when unknown."""
        for record in self._store.plans():
            if record.name == name:
                return record
        known = ", ".join(self.names()) or "none"
        raise UsageError(f"no plan {name!r} is known here; known: {known}")

    def plan(self, name: str) -> Plan:
        return self._entry(name)[1]

    def task(self, name: str, task: str) -> Task:
        """The task as planned; raises UsageError when unknown."""
        try:
            return self._entry(name)[2][task]
        except KeyError:
            raise UsageError(
                f"plan {name!r} has no task {task!r}; clerk status lists them"
            ) from None

    def task_record(self, name: str, task: str) -> TaskRecord:
        """The task as stored; raises UsageError when unknown."""
        self.task(name, task)
        return self._store.task(name, task)

    def snapshot(self, name: str, *, baseline_known: bool = True) -> PlanSnapshot:
        """The plan with its tasks; one that an edit dropped is history and none of them."""
        _, plan, planned = self._entry(name)
        tasks = {task.id: task for task in self._store.tasks(name) if task.id in planned}
        return PlanSnapshot(plan, self.record(name), tasks, baseline_known)

    def _entry(self, name: str) -> tuple[str, Plan, dict[str, Task]]:
        record = self.record(name)
        entry = self._parsed.get(name)
        if entry is None or entry[0] != record.source_hash:
            plan = parse_plan(
                record.source,
                shown_path=record.path,
                agents=agents.names(),
                reports=reports.formats(),
            )
            entry = (record.source_hash, plan, {task.id: task for task in plan.tasks})
            self._parsed[name] = entry
        return entry

"""Keeping the forecast of conflicts up to date, a few merges at a time.

Serves an engine, which looks again and again, and a client that reads the stored state, which
looks once. What a confined session has committed is seen once it has come home.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import GitError
from orchestrator.forecast import Branch, forecast, questions, still_asked
from orchestrator.git.refs import Refs, branch_ref
from orchestrator.git.what_if import WhatIf
from orchestrator.scheduling.footing import stood_on
from orchestrator.states import SETTLED, TaskState

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.forecast import Paths, Question
    from orchestrator.records import TaskRecord
    from orchestrator.site import Records

AT_ONCE = 60
"""Merges of one look, at some 5 ms each: what it finds no time for is asked by the next."""

ASKED_MERGES = 500
"""When somebody waits for the answer."""

CHANGES_KEPT = 4000


@dataclass(slots=True)
class _Allowance:
    """How many merges a look may still make."""

    left: int


class Forecaster:
    """Looks at the branches of one repository; ``folder`` takes what the merges write."""

    def __init__(self, records: Records, folder: Path) -> None:
        self._records = records
        self._refs = Refs(records.repository.git, records.repository.null_oid)
        self._what_if = WhatIf(records.repository.git, folder)
        self._known: dict[Question, Paths] = {}
        self._changes: dict[tuple[str, str], frozenset[str]] = {}
        self._looking = anyio.Lock()

    async def look(self, at_most: int = AT_ONCE) -> None:
        """Bring the records' outlook up to date, as far as ``at_most`` merges go."""
        async with self._looking:
            allowance = _Allowance(at_most)
            outlook, found = self._records.outlook, {}
            for target, tasks in self._in_flight().items():
                commit = await self._refs.resolve(branch_ref(target))
                if commit is not None:
                    branches = await self._branches(tasks, commit)
                    await self._ask(commit, branches, allowance)
                    found[target] = forecast(target, commit, branches, self._known)
            outlook.forecasts = found
            self._known = still_asked(self._known, found.values())

    def _in_flight(self) -> dict[str, list[TaskRecord]]:
        """The tasks with a branch of their own that may still land, by their target."""
        book = self._records.book
        found: dict[str, list[TaskRecord]] = {}
        for name in book.names():
            tasks = book.snapshot(name).tasks.values()
            mine = [task for task in tasks if task.base and task.state not in SETTLED]
            found.setdefault(book.record(name).target, []).extend(mine)
        return found

    async def _branches(self, tasks: list[TaskRecord], commit: str) -> list[Branch]:
        found = []
        for task in tasks:
            head = task.head
            if task.state is TaskState.RUNNING:
                head = await self._refs.resolve(branch_ref(task.branch)) or head
            if not head or head == task.base:
                continue
            try:
                paths = await self._changed(task.base, head)
                meanwhile = await self._changed(task.base, commit)
            except GitError:  # a history that is gone has nothing to tell
                continue
            key, met = (task.plan, task.id), not paths.isdisjoint(meanwhile)
            on = frozenset((task.plan, name) for name in stood_on(task))
            found.append(Branch(key, head, paths, met=met, on=on))
        return found

    async def _changed(self, base: str, head: str) -> frozenset[str]:
        if (base, head) not in self._changes:
            if len(self._changes) >= CHANGES_KEPT:
                self._changes.clear()
            _, paths = await self._records.history.changes(base, head)
            self._changes[base, head] = frozenset(paths)
        return self._changes[base, head]

    async def _ask(self, commit: str, branches: list[Branch], allowance: _Allowance) -> None:
        """Until nothing is left to ask, or to ask with; answers may raise further questions."""
        while asked := tuple(islice(questions(commit, branches, self._known), allowance.left)):
            for question in asked:
                self._known[question] = await self._what_if.conflicts(
                    question.target, question.head, question.first
                )
            allowance.left -= len(asked)

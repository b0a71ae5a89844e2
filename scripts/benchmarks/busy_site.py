"""An engine with much to tell: ``python -m benchmarks.busy_site REPOSITORY PLAN``.

A real engine with its store and its door, on a paused plan, so that it starts nothing; what its
sessions would announce is announced here. A line on standard input says how many events a second
from now on; the end of input ends it.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import anyio

from orchestrator.api.models import SubmitPlan
from orchestrator.engine import Engine
from orchestrator.events import EventKind
from orchestrator.states import TaskState

SESSIONS = 32
BEAT_SECONDS = 0.05
MOVES_ONE_IN = 10


class Busy:
    """Announces ``rate`` events a second."""

    def __init__(self, engine: Engine, plan: str) -> None:
        self._site = engine._site  # noqa: SLF001 - what its jobs would tell is told here
        self._plan = plan
        self._turn = itertools.count()
        self.rate = 0

    def begin(self) -> None:
        for task in self._tasks():
            record = self._site.records.book.task_record(self._plan, task)
            self._site.ledger.move(record, TaskState.RUNNING, attempts_used=1, sessions=1)

    async def announce(self) -> None:
        due = 0.0
        while True:
            await anyio.sleep(BEAT_SECONDS)
            due += self.rate * BEAT_SECONDS
            while due >= 1:
                due -= 1
                self._announce_one(next(self._turn))

    def _announce_one(self, turn: int) -> None:
        task = self._tasks()[turn % SESSIONS]
        if turn % MOVES_ONE_IN:
            line = f"editing src/file{turn}.py"
            self._site.records.activity.of(self._plan, task).line = line
            self._site.ledger.tell(
                EventKind.SESSION_PROGRESSED, line, plan=self._plan, task=task, attempt=1
            )
            return
        record = self._site.records.book.task_record(self._plan, task)
        for state in (TaskState.RETRY_QUEUED, TaskState.RUNNING):
            record = self._site.ledger.move(record, state, reason=f"turn {turn}")

    def _tasks(self) -> list[str]:
        return [f"t{number}" for number in range(SESSIONS)]


async def main(repository: Path, plan: Path) -> None:
    async with Engine.open(repository) as engine:
        request = SubmitPlan(source=plan.read_text(), path=str(plan), folder=str(plan.parent))
        view = await engine.submit(request)
        engine.pause(view.name, None)
        busy = Busy(engine, view.name)
        busy.begin()
        async with anyio.create_task_group() as group, engine.client():
            group.start_soon(busy.announce)
            print("ready", flush=True)
            async for line in anyio.wrap_file(sys.stdin):
                busy.rate = int(line)
            group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))

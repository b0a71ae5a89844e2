"""An engine without processes, at work on a plan of two tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from crash.desk import Desk
from e2e.conftest import Yard

from orchestrator.api.models import SubmitPlan
from orchestrator.states import TaskState
from orchestrator.supervision.job import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEGINNING = 1_700_000_000.0


@pytest.fixture
def begun(tmp_path) -> Iterator[Callable[..., Desk]]:
    """Opens a desk whose sessions of ``a`` and ``b`` wait to be told what they do."""
    made: list[Desk] = []

    def begin(merge: str, clock: Callable[[], float] = lambda: BEGINNING) -> Desk:
        yard = Yard.make(tmp_path / "a repo")
        document = {
            "clerk": 1,
            "name": "p",
            "agent": "sh",
            "agents": {"sh": {"type": "command", "run": "true"}},
            "checks": {"unit": {"run": "sh check.sh"}},
            "tasks": [
                {"id": name, "title": name, "brief": name, "done_when": ["unit"]} for name in "ab"
            ],
        }
        request = SubmitPlan(
            source=yaml.safe_dump(document),
            path="p.yaml",
            folder=str(tmp_path),
            merge=merge,
            sandbox="none",
        )
        desk = Desk(yard.path / ".git", clock)
        made.append(desk)
        desk.start()
        desk.do(lambda: desk.submissions.submit(request))
        return desk

    yield begin
    for desk in made:
        desk.close()


def work(desk: Desk, task: str) -> None:
    """The session of a task writes a file that no other of the kind may stand beside, and ends."""
    told, folder = desk.hands.sessions[task]
    (folder / f"{task}.txt").write_text("good rival\n")

    async def end() -> None:
        told.set_result(Exit(code=0))

    desk.do(end)


def state(desk: Desk, task: str) -> TaskState:
    return desk.site.ledger.task("p", task).state

"""What changes while the queue takes a look: orders of steps that only a busy machine meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
import yaml
from crash.desk import Desk
from e2e.conftest import Yard
from waiting import until

from orchestrator.api.models import SubmitPlan
from orchestrator.merge_queue import queue as merge_queue
from orchestrator.merge_queue.candidate_check import CandidateCheck
from orchestrator.states import TaskState
from orchestrator.supervision.job import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    yard = Yard.make(tmp_path / "a repo")
    desk = Desk(yard.path / ".git", lambda: 1_700_000_000.0)
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
        merge="auto",
        sandbox="none",
    )
    desk.start()
    desk.do(lambda: desk.submissions.submit(request))
    yield desk
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


def test_who_is_judged_during_a_look_is_not_judged_once_more(desk, monkeypatch, caplog):
    judge, make_up, looking = CandidateCheck.blame, merge_queue.make_up, anyio.Event()
    judged = []

    async def judged_late(self, member, checked):
        queue().wake()
        await looking.wait()
        judged.append(member.entry.key)
        return await judge(self, member, checked)

    async def made_up_slowly(*args, **kwargs):
        train = await make_up(*args, **kwargs)
        if queue()._judging:
            looking.set()
        await until(lambda: not queue()._judging)
        return train

    def queue():
        return desk.scheduler._works._queues["main"]

    monkeypatch.setattr(CandidateCheck, "blame", judged_late)
    monkeypatch.setattr(merge_queue, "make_up", made_up_slowly)
    work(desk, "a")
    assert state(desk, "a") is TaskState.MERGED
    work(desk, "b")
    assert judged == [("p", "b")]
    assert state(desk, "b") is TaskState.RUNNING
    assert not caplog.records

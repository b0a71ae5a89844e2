"""What changes while the queue takes a look: orders of steps that only a busy machine meets."""

from __future__ import annotations

import anyio
import pytest
from crash.desk import Desk
from merge_queue.conftest import state, work
from waiting import until

from orchestrator.merge_queue import queue as merge_queue
from orchestrator.merge_queue.candidate_check import CandidateCheck
from orchestrator.states import TaskState


@pytest.fixture
def desk(begun) -> Desk:
    return begun("auto")


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

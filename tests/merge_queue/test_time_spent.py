"""Where the time between proof and landing went: until it was ordered, a person was waited for."""

from __future__ import annotations

import pytest
from merge_queue.conftest import BEGINNING, state, work

from orchestrator.api.models import TaskSelection
from orchestrator.scheduling.activity import PERSON, QUEUEING, Activity
from orchestrator.states import TaskState

NIGHT, MORNING = 8 * 3600.0, 60.0


class Clock:
    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> float:
        return self.now


def spent(desk, task: str) -> dict[str, float]:
    seen = Activity()
    for event in desk.records.store.events(0):
        seen.observe(event)
    return seen.of("p", task).spent


def test_until_somebody_orders_it_a_person_is_waited_for(begun):
    clock = Clock()
    desk = begun("manual", clock)
    work(desk, "a")
    assert state(desk, "a") is TaskState.VERIFIED
    clock.now += NIGHT

    async def order() -> None:
        desk.orders.merge("p", TaskSelection(tasks=("a",)))
        clock.now += MORNING

    desk.do(order)
    assert state(desk, "a") is TaskState.MERGED
    told = spent(desk, "a")
    assert told[PERSON] == pytest.approx(NIGHT)
    assert told[QUEUEING] == pytest.approx(MORNING)

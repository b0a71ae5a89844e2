"""Time as the engine decides by it: nothing that happens to the wall clock changes it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import steady_clock
from orchestrator.jobs.recovery import waits_until
from orchestrator.records import TaskRecord
from orchestrator.states import TaskState

NOW = 1_000_000.0
DAY = 86400.0


@pytest.mark.parametrize("jump", [-3600.0, DAY])
def test_a_wall_that_is_set_moves_no_clock_that_runs(monkeypatch, jump):
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall)
    clock = steady_clock()
    before = clock()
    monkeypatch.setattr(time, "time", lambda: wall + jump)
    assert 0 <= before - wall < 60
    assert 0 <= clock() - before < 60


def test_time_goes_on_while_the_machine_is_suspended(monkeypatch):
    since_boot = {time.CLOCK_BOOTTIME: 500.0, time.CLOCK_MONOTONIC: 400.0}
    monkeypatch.setattr(time, "clock_gettime", since_boot.__getitem__)
    clock = steady_clock()
    before = clock()
    since_boot[time.CLOCK_BOOTTIME] += 7200
    assert clock() - before == pytest.approx(7200)


def waiting(wait: float, **more) -> TaskRecord:
    told = {"state": TaskState.RETRY_QUEUED, "changed_at": NOW, "retry_at": NOW + wait}
    return TaskRecord("p", "a", **(told | more))


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (NOW + 100, 200.0),
        (NOW - DAY, 300.0),
        (NOW + DAY, 300 - DAY),
    ],
)
def test_a_new_engine_waits_no_longer_than_the_former_meant_to(now, left):
    assert waits_until(waiting(300), now) - now == pytest.approx(left)


def test_a_new_engine_tries_at_once_what_waited_for_the_machine():
    assert waits_until(waiting(5, state=TaskState.VERIFYING), NOW - DAY) == 0.0
    assert waits_until(waiting(5, state=TaskState.VERIFIED), NOW) == 0.0


@given(
    wait=st.floats(0, 6 * 3600),
    jumps=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
)
def test_no_row_of_restarts_under_a_jumping_clock_prolongs_a_wait(wait, jumps):
    task, now = waiting(wait), NOW
    for jump in jumps:
        now += jump
        until = waits_until(task, now)
        assert until - now <= wait + 1e-6
        assert until <= task.retry_at
        task = waiting(wait, retry_at=until)

"""Who may run: never more than there is, never two on one resource, nobody left waiting for ever."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.verification.slots import Claim, Slots, admitted

CLAIMS = st.builds(
    Claim,
    turn=st.integers(0, 3),
    weight=st.integers(1, 4),
    exclusive=st.frozensets(st.sampled_from(["gpu", "arm", "port"]), max_size=2),
)
SIZE = 4


def starting(waiting, running, *, short=False):
    places = admitted(waiting, running, size=SIZE, short_of_memory=short)
    return [waiting[place] for place in places]


def is_within_bounds(running):
    names = [name for claim in running for name in claim.exclusive]
    return sum(claim.weight for claim in running) <= SIZE and len(names) == len(set(names))


@settings(max_examples=200, deadline=None)
@given(st.lists(CLAIMS, max_size=8), st.lists(CLAIMS, max_size=8), st.booleans())
def test_nothing_is_given_twice(before, waiting, short):
    running = starting(before, [])
    assert is_within_bounds([*running, *starting(waiting, running, short=short)])


@settings(max_examples=200, deadline=None)
@given(st.lists(CLAIMS, min_size=1, max_size=8), st.booleans())
def test_the_first_in_line_always_starts_once_nothing_runs(waiting, short):
    assert starting(waiting, [], short=short)[0] == waiting[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(CLAIMS, max_size=8), st.lists(CLAIMS, min_size=1, max_size=8), CLAIMS)
def test_whoever_comes_later_never_delays_one_that_waits(before, waiting, later):
    running = starting(before, [])
    alone = starting(waiting, running)
    assert starting([*waiting, later], running)[: len(alone)] == alone
    after = [*running, *starting([*waiting, later], running)]
    if later in after[len(running) + len(alone) :]:
        first = next((c for c in waiting if c not in alone), None)
        held = {name for claim in [*running, *alone] for name in claim.exclusive}
        if first is not None and held.isdisjoint(first.exclusive):
            pytest.fail(f"{first} waits for slots, and {later} took some")
        assert first is None or later.exclusive.isdisjoint(first.exclusive)


@settings(max_examples=100, deadline=None)
@given(st.lists(CLAIMS, max_size=12), st.lists(CLAIMS, max_size=12), st.randoms())
def test_everybody_runs_in_the_end_whatever_keeps_coming(first, second, chance):
    """One run at a time ends, and somebody new comes: no deadlock, and who waited longest is never passed over for ever."""
    waiting, running, coming = list(first), [], list(second)
    while waiting or running or coming:
        begun = starting(waiting, running)
        for claim in begun:
            waiting.remove(claim)
        running += begun
        assert is_within_bounds(running)
        assert running or not waiting, "somebody waits and nobody runs"
        if running:
            running.pop(chance.randrange(len(running)))
        if coming:
            waiting.append(coming.pop())


def test_a_heavy_check_is_not_starved_by_light_ones():
    light, heavy = Claim(), Claim(weight=4)
    assert starting([heavy, light, light], [light]) == []
    assert starting([heavy, light, light], []) == [heavy]


def test_who_waits_for_a_resource_leaves_the_slots_to_others():
    gpu, light = Claim(exclusive=frozenset({"gpu"})), Claim()
    assert starting([gpu, light], [gpu]) == [light]
    assert starting([gpu, gpu], []) == [gpu]


def test_while_memory_is_short_one_runs_alone():
    assert starting([Claim(), Claim()], [], short=True) == [Claim()]
    assert starting([Claim()], [Claim()], short=True) == []


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def holder(slots, claim, name, told, go):
    async with slots.hold(claim):
        told.append(name)
        await go.wait()


async def settled(told, count):
    with anyio.fail_after(60):
        while len(told) < count:
            await anyio.lowlevel.checkpoint()
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_the_verification_that_came_first_and_its_most_urgent_check_go_first():
    slots, told, first, rest = Slots(1), [], anyio.Event(), anyio.Event()
    rest.set()
    async with anyio.create_task_group() as group:
        group.start_soon(holder, slots, Claim(turn=1), "running", told, first)
        await settled(told, 1)
        for name, claim in {
            "younger": Claim(turn=3, urgency=9.0),
            "dull": Claim(turn=2, urgency=0.1),
            "urgent": Claim(turn=2, urgency=5.0),
        }.items():
            group.start_soon(holder, slots, claim, name, told, rest)
        await settled(told, 1)
        first.set()
    assert told == ["running", "urgent", "dull", "younger"]


@pytest.mark.anyio
async def test_a_weight_beyond_all_slots_takes_them_all():
    slots, told, go = Slots(2), [], anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(holder, slots, Claim(weight=9), "heavy", told, go)
        await settled(told, 1)
        group.start_soon(holder, slots, Claim(), "light", told, go)
        await settled(told, 1)
        assert told == ["heavy"]
        go.set()
    assert told == ["heavy", "light"]


@pytest.mark.anyio
async def test_who_is_cancelled_while_waiting_or_running_leaves_nothing_taken():
    slots, told, never = Slots(1), [], anyio.Event()
    claim = Claim(exclusive=frozenset({"gpu"}))
    async with anyio.create_task_group() as group:
        group.start_soon(holder, slots, claim, "running", told, never)
        await settled(told, 1)
        group.start_soon(holder, slots, claim, "waiting", told, never)
        await settled(told, 1)
        group.cancel_scope.cancel()
    async with slots.hold(claim):
        told.append("next")
    assert told == ["running", "next"]


@pytest.mark.anyio
async def test_memory_that_others_free_is_noticed(monkeypatch):
    monkeypatch.setattr("orchestrator.verification.slots.LOOK_AGAIN_SECONDS", 0.001)
    left, told, go = [0], [], anyio.Event()
    slots = Slots(2, reserve=100, memory=lambda: left[0])
    async with anyio.create_task_group() as group:
        group.start_soon(holder, slots, Claim(), "first", told, go)
        await settled(told, 1)
        group.start_soon(holder, slots, Claim(), "second", told, go)
        await settled(told, 1)
        assert told == ["first"]
        left[0] = 100
        await settled(told, 2)
        go.set()

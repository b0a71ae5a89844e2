from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted.engine import a_plan, a_task

from orchestrator.api.models import EngineView, QueueEntryView, QueueView, StatusView
from orchestrator.states import MergeMode, QueueMode, TaskState
from tui.drain import rounds_of, seconds_to_drain
from tui.site_header import queue_sentence


def entry(name: str, standing: str = "waiting") -> QueueEntryView:
    return QueueEntryView(plan="shop", task=name, title="", position=1, standing=standing)


def queue(*entries: QueueEntryView, **fields) -> QueueView:
    given = {"target": "main", "commit": "", "mode": QueueMode.STRICT, "slots": 2}
    return QueueView(entries=entries, **({"failure_rate": 0.0} | given | fields))


def status(*queues: QueueView, plans=(), seconds: float = 60.0) -> StatusView:
    return StatusView(
        engine=EngineView(running=True), queues=queues, plans=plans, candidate_seconds=seconds
    )


@pytest.mark.parametrize(
    ("waiting", "slots", "mode", "rounds"),
    [
        (0, 4, QueueMode.AUTO, 0),
        (5, 4, QueueMode.SERIAL, 5),
        (5, 2, QueueMode.STRICT, 3),
        (2, 4, QueueMode.AUTO, 1),
        (50, 4, QueueMode.AUTO, 1),
        (50, 4, QueueMode.TIP, 1),
    ],
)
def test_green_candidates_take_as_many_rounds_as_the_mode_needs(waiting, slots, mode, rounds):
    assert rounds_of(waiting, slots, mode) == rounds


@given(
    st.integers(1, 200),
    st.integers(1, 32),
    st.sampled_from(QueueMode),
    st.floats(0, 1),
)
def test_red_ones_never_make_it_sooner_and_an_estimate_is_always_a_number(
    waiting, slots, mode, rate
):
    best, now = rounds_of(waiting, slots, mode), rounds_of(waiting, slots, mode, rate)
    assert 1 <= best <= now < 10_000


def test_nobody_can_tell_before_a_candidate_has_ended():
    assert seconds_to_drain(status(queue(entry("a")), seconds=0.0)) is None
    assert seconds_to_drain(status(queue(), seconds=0.0)) == 0


def test_targets_drain_side_by_side_and_what_is_held_is_not_waited_for():
    short = queue(entry("a"), target="docs")
    long = queue(*(entry(name) for name in "bcdef"), entry("g", "held"))
    assert seconds_to_drain(status(short, long)) == 3 * 60.0


def test_a_line_in_which_all_waits_for_a_person_is_not_empty():
    assert queue_sentence(status(queue())) == "queue empty"
    assert queue_sentence(status(queue(entry("a", "held")))) == "queue held"
    assert queue_sentence(status(queue(entry("a", "held"), entry("b")))) == "queue empties in ~1m"


def test_an_order_to_land_counts_before_the_queue_has_looked():
    tasks = (
        a_task("a", TaskState.VERIFIED, merge_requested=True),
        a_task("b", TaskState.VERIFIED),
        a_task("c", TaskState.VERIFIED, merge_requested=True, withdrawn=True),
    )
    assert seconds_to_drain(status(plans=(a_plan(*tasks),))) == 60.0
    assert seconds_to_drain(status(plans=(a_plan(*tasks, merge=MergeMode.AUTO),))) == 120.0

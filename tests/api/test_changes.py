"""Who is told only what changed knows as much as who is told everything."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted.engine import a_plan, a_task

from orchestrator.api.changes import ChangesView, between, renewed
from orchestrator.api.models import EngineView, StatusView

PLANS = {"shop": 4, "docs": 3}


def status(activities: dict[tuple[str, str], str], seq: int = 0) -> StatusView:
    plans = (
        a_plan(
            *(
                a_task(f"t{n}", plan=name, activity=activities.get((name, f"t{n}"), ""))
                for n in range(count)
            ),
            name=name,
            paused=bool(seq % 2),
        )
        for name, count in PLANS.items()
    )
    return StatusView(engine=EngineView(running=True), plans=tuple(plans), last_seq=seq)


KEYS = st.sampled_from([(name, f"t{n}") for name, count in PLANS.items() for n in range(count)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(KEYS, st.text(max_size=3)), max_size=6))
def test_the_status_can_be_put_together_from_what_changed(steps):
    activities: dict[tuple[str, str], str] = {}
    known = renewed(None, between(status({}), 1, None))
    for seq, step in enumerate(steps, 1):
        activities |= step
        now = status(activities, seq)
        travelling = between(now, seq + 1, step.keys()).model_dump_json()
        known = renewed(known, ChangesView.model_validate_json(travelling))
        assert known == now


def test_only_what_changed_travels_and_the_rest_stays_the_same_object():
    before = status({})
    changes = between(status({("shop", "t1"): "reading"}), 2, {("shop", "t1")})
    assert [task.id for plan in changes.status.plans for task in plan.tasks] == ["t1"]
    after = renewed(before, changes)
    assert after.plans[0].tasks[1].activity == "reading"
    assert after.plans[0].tasks[0] is before.plans[0].tasks[0]


def test_a_whole_status_replaces_whatever_was_known():
    now = StatusView(engine=EngineView(running=True), plans=(a_plan(a_task("new")),))
    assert renewed(status({}), between(now, 5, None)) == now

"""Ground is never called firm that nobody proved, or that has become another since."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan.model import Plan
from orchestrator.records import TaskRecord
from orchestrator.scheduling.footing import (
    Footing,
    awaited,
    footing,
    has_landed,
    held_up_by,
    standing_on,
    stood_on,
    unmerged_dependencies,
)
from orchestrator.states import TaskState

S = TaskState
NAMES = "abc"


def plan_of(after, strategy="merge"):
    task = {"title": "T", "brief": "t", "done_when": ["unit"]}
    return Plan.model_validate(
        {
            "clerk": 1,
            "name": "p",
            "strategy": strategy,
            "agent": "mine",
            "agents": {"mine": {"type": "command", "run": "true"}},
            "checks": {"unit": {"run": "true"}},
            "tasks": [
                {"id": name, "after": list(needs), "stack": bool(needs), **task}
                for name, needs in after.items()
            ],
        }
    )


records = st.builds(
    TaskRecord,
    plan=st.just("p"),
    id=st.just("?"),
    state=st.sampled_from(list(S)),
    base=st.sampled_from(["", "base"]),
    head=st.sampled_from(["", "h", "g"]),
    verified_head=st.sampled_from(["", "h", "g"]),
    stacked_on=st.sampled_from(["", "a@h", "a@g", "b@h", "a@h b@g", "gone@h"]),
    reverted_commit=st.sampled_from(["", "", "r"]),
)


@st.composite
def sites(draw):
    after = {
        "a": "",
        "b": draw(st.sampled_from(["", "a"])),
        "c": draw(st.sampled_from(["b", "ab"])),
    }
    tasks = {name: draw(records) for name in NAMES}
    tasks = {
        name: TaskRecord(**{f: getattr(one, f) for f in one.__slots__} | {"id": name})
        for name, one in tasks.items()
    }
    return plan_of(after, draw(st.sampled_from(["merge", "squash"]))), tasks


@settings(max_examples=400, deadline=None)
@given(sites())
def test_firm_is_only_what_is_proven_or_has_landed_as_it_was(site):
    plan, tasks = site
    for name, record in tasks.items():
        if footing(plan, record, tasks) is not Footing.FIRM or not record.base:
            continue
        for below, head in stood_on(record).items():
            found = tasks[below]
            assert below in plan.task(name).after
            assert found.head == head
            assert has_landed(found) or found.verified_head == head
            assert has_landed(found) or found.state in {S.VERIFIED, S.MERGING}
            assert not (has_landed(found) and plan.strategy == "squash")
        assert set(standing_on(plan, record, tasks)) <= set(stood_on(record))


@settings(max_examples=200, deadline=None)
@given(sites())
def test_what_is_awaited_has_not_landed_and_is_told_only_of_those_that_wait(site):
    plan, tasks = site
    for name, record in tasks.items():
        task = plan.task(name)
        assert set(awaited(task, tasks)) <= set(unmerged_dependencies(task, tasks))
        told = held_up_by(task, record, tasks)
        assert not told or record.state in {S.PENDING, S.RETRY_QUEUED, S.VERIFYING}


def test_a_stack_that_cannot_go_on_says_for_whom_it_waits():
    plan = plan_of({"a": "", "b": "a"})
    at_work = TaskRecord("p", "a", state=S.RUNNING, head="h")
    above = TaskRecord("p", "b", state=S.VERIFYING, base="g", head="x", stacked_on="a@h")
    tasks = {"a": at_work, "b": above}
    assert footing(plan, above, tasks) is Footing.SHAKY
    assert held_up_by(plan.task("b"), above, tasks) == ("a",)

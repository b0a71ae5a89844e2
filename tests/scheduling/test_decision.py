"""Deciding is pure: every case is a snapshot, and nothing needs to run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.decision import (
    PlanSnapshot,
    Settle,
    Snapshot,
    StartBackfill,
    StartBaseline,
    StartLanding,
    StartSession,
    StartVerification,
    decide,
    line_of,
)
from orchestrator.plan.model import Plan
from orchestrator.records import PlanRecord, TaskRecord
from orchestrator.states import TaskState

S = TaskState


def plan_of(tasks, *, states=None, merge="manual", parallel=4, baseline=True, paused=False, **more):
    """A plan whose tasks are given as {id: [dependencies]}."""
    plan = Plan.model_validate(
        {
            "clerk": 1,
            "name": "p",
            "parallel": parallel,
            "agent": "mine",
            "agents": {"mine": {"type": "command", "run": "true"}},
            "checks": {"unit": {"run": "true"}},
            "tasks": [
                {"id": t, "title": t, "brief": t, "done_when": ["unit"], "after": list(after)}
                | more.get(t, {})
                for t, after in tasks.items()
            ],
        }
    )
    record = PlanRecord("p", "", "", "", "", "main", merge, "none", paused=paused)
    states = states or {}
    records = {
        t: states[t]
        if isinstance(states.get(t), TaskRecord)
        else TaskRecord("p", t, state=states.get(t, S.PENDING), position=n)
        for n, t in enumerate(tasks)
    }
    return PlanSnapshot(plan, record, records, baseline)


def snap(*plans, busy=(), baselining=(), landing=(), slots=2, now=100.0):
    keys = frozenset(("p", t) for t in busy)
    return Snapshot(tuple(plans), keys, frozenset(baselining), frozenset(landing), slots, now)


def started(decision, kind=StartSession):
    return [a.task for a in decision.actions if isinstance(a, kind)]


def test_tasks_without_dependencies_start_up_to_the_plans_parallelism():
    decision = decide(snap(plan_of({"a": [], "b": [], "c": []}, parallel=2)))
    assert started(decision) == ["a", "b"]


def test_running_sessions_take_slots():
    plan = plan_of({"a": [], "b": [], "c": []}, parallel=2, states={"a": S.RUNNING})
    assert started(decide(snap(plan, busy=["a"]))) == ["b"]


def test_nothing_starts_before_the_target_itself_was_verified():
    decision = decide(snap(plan_of({"a": []}, baseline=False)))
    assert decision.actions == (StartBaseline("p"),)


def test_the_baseline_is_verified_once_at_a_time():
    plan = plan_of({"a": []}, baseline=False)
    decision = decide(snap(plan, baselining=["p"]))
    assert decision.actions == ()
    assert not decision.quiet_plans


@pytest.mark.parametrize("state", [s for s in S if s not in {S.MERGED, S.FAILED, S.CANCELLED}])
def test_a_dependent_waits_until_its_dependency_has_landed(state):
    plan = plan_of({"a": [], "b": ["a"]}, states={"a": state})
    assert "b" not in started(decide(snap(plan)))


def test_a_dependent_starts_once_its_dependency_has_landed():
    plan = plan_of({"a": [], "b": ["a"]}, states={"a": S.MERGED})
    assert started(decide(snap(plan))) == ["b"]


def test_priority_goes_before_position():
    plan = plan_of({"a": [], "b": [], "c": []}, parallel=1, c={"priority": 5})
    assert started(decide(snap(plan))) == ["c"]


def test_a_failure_settles_everything_below_it_in_the_same_pass():
    plan = plan_of({"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "e": []}, states={"a": S.FAILED})
    decision = decide(snap(plan))
    settled = {a.task: a for a in decision.actions if isinstance(a, Settle)}
    assert set(settled) == {"b", "c", "d"}
    assert settled["b"].reason == "'a' failed"
    assert settled["d"].reason == "needs 'c', and 'a' failed"
    assert started(decision) == ["e"]


def test_a_settled_plan_order_does_not_matter():
    plan = plan_of({"c": ["b"], "b": ["a"], "a": []}, states={"a": S.CANCELLED})
    assert {a.task for a in decide(snap(plan)).actions} == {"b", "c"}


def test_a_paused_plan_starts_no_session_but_verifies_what_is_done():
    plan = plan_of({"a": [], "b": []}, paused=True, states={"b": S.VERIFYING})
    assert decide(snap(plan)).actions == (StartVerification("p", "b"),)


def test_a_paused_task_is_left_alone():
    plan = plan_of({"a": []}, states={"a": TaskRecord("p", "a", paused=True)})
    assert decide(snap(plan)).actions == ()


def test_a_retry_waits_for_its_time_and_says_when_to_look_again():
    later = TaskRecord("p", "a", state=S.RETRY_QUEUED, retry_at=130.0)
    decision = decide(snap(plan_of({"a": []}, states={"a": later})))
    assert decision.actions == ()
    assert decision.wake_at == 130.0
    assert not decision.quiet_plans
    assert started(decide(snap(plan_of({"a": []}, states={"a": later}), now=130.0))) == ["a"]


def test_verifications_take_the_free_slots_oldest_first():
    states = {
        t: TaskRecord("p", t, state=S.VERIFYING, changed_at=age, position=n)
        for n, (t, age) in enumerate([("a", 3.0), ("b", 1.0), ("c", 2.0)])
    }
    plan = plan_of({"a": [], "b": [], "c": []}, states=states)
    assert started(decide(snap(plan, slots=2)), StartVerification) == ["b", "c"]


def test_what_has_a_job_in_hand_is_not_started_again():
    plan = plan_of({"a": []}, states={"a": S.VERIFYING})
    assert decide(snap(plan, busy=["a"])).actions == ()


def verified(task, **more):
    return TaskRecord("p", task, state=S.VERIFIED, head="h", verified_head="h", **more)


def test_a_proven_task_waits_for_an_order_where_merging_is_manual():
    plan = plan_of({"a": []}, states={"a": verified("a")})
    decision = decide(snap(plan))
    assert decision.actions == ()
    assert decision.quiet_plans == {"p"}


def test_an_ordered_task_lands():
    plan = plan_of({"a": []}, states={"a": verified("a", merge_requested=True)})
    assert decide(snap(plan)).actions == (StartLanding("main"),)


def line(plan, target="main", **more):
    return [record.id for _, record in line_of(snap(plan, **more), target)]


def test_a_target_has_one_queue_that_takes_in_whatever_comes():
    states = {"a": verified("a", verified_at=2.0), "b": verified("b", verified_at=1.0)}
    plan = plan_of({"a": [], "b": []}, states=states, merge="auto")
    assert decide(snap(plan)).actions == (StartLanding("main"),)
    assert line(plan) == ["b", "a"]
    assert decide(snap(plan, landing=["main"])).actions == ()


def test_who_was_sent_back_keeps_its_place_and_a_person_may_change_it():
    states = {
        "a": verified("a", verified_at=9.0, queued_at=1.0),
        "b": verified("b", verified_at=2.0, queued_at=2.0),
        "c": verified("c", verified_at=3.0, queued_at=3.0, rank=1),
        "d": verified("d", verified_at=1.0, queued_at=1.0, withdrawn=True),
    }
    plan = plan_of(dict.fromkeys("abcd", ()), states=states, merge="auto")
    assert line(plan) == ["c", "a", "b"]
    assert line(plan, target="other") == []


def test_what_a_person_takes_back_goes_first():
    back = TaskRecord("p", "a", state=S.MERGED, revert_requested=True)
    plan = plan_of({"a": (), "b": ()}, states={"a": back, "b": verified("b", rank=9)}, merge="auto")
    assert line(plan) == ["a", "b"]
    gone = replace(back, revert_requested=False, reverted_commit="c")
    plan = plan_of({"a": (), "b": ["a"]}, states={"a": gone})
    assert line(plan) == []
    assert started(decide(snap(plan))) == [], "what was taken back is not there to build on"


def test_nothing_of_a_plan_lands_while_a_person_has_stopped_its_landing():
    plan = plan_of({"a": ()}, states={"a": verified("a")}, merge="auto")
    stopped = replace(plan, record=replace(plan.record, landing_paused=True))
    assert line(stopped) == []
    assert decide(snap(stopped)).actions == ()


def test_a_task_that_stands_as_landing_is_looked_at_though_nothing_is_in_line():
    landing = TaskRecord("p", "a", state=S.MERGING, head="h", verified_head="h", withdrawn=True)
    plan = plan_of({"a": ()}, states={"a": landing}, merge="auto")
    assert decide(snap(plan)).actions == (StartLanding("main"),)
    assert not decide(snap(plan, landing=["main"])).quiet_plans


def test_a_verdict_for_another_head_lands_nothing():
    stale = replace(verified("a", merge_requested=True), head="other")
    assert decide(snap(plan_of({"a": []}, states={"a": stale}))).actions == ()


def test_an_approval_is_worth_something_for_its_head_only():
    for approved_head, lands in [("", False), ("older", False), ("h", True)]:
        states = {"a": verified("a", approved_head=approved_head)}
        plan = plan_of({"a": []}, states=states, merge="auto", a={"approve": True})
        assert bool(decide(snap(plan)).actions) is lands


def test_a_held_landing_leaves_the_plan_quiet_until_a_person_acts():
    held = verified("a", merge_requested=True, held="main is checked out", retry_at=200.0)
    decision = decide(snap(plan_of({"a": []}, states={"a": held})))
    assert decision.quiet_plans == {"p"}
    assert decision.wake_at is None


IDS = st.sampled_from("abcdef")


@st.composite
def snapshots(draw):
    names = "abcdef"
    tasks = {
        t: sorted(draw(st.sets(st.sampled_from(names[:n]), max_size=2)) if n else [])
        for n, t in enumerate(names)
    }
    states = {t: draw(st.sampled_from(list(S))) for t in names}
    plan = plan_of(
        tasks,
        states=states,
        merge=draw(st.sampled_from(["auto", "manual"])),
        parallel=draw(st.integers(1, 3)),
        paused=draw(st.booleans()),
        baseline=draw(st.booleans()),
    )
    busy = draw(st.sets(st.sampled_from(names)))
    return snap(
        plan,
        busy=busy,
        slots=draw(st.integers(0, 2)),
        landing=draw(st.sampled_from([(), ("main",)])),
    )


@settings(max_examples=150, deadline=None)
@given(snapshots())
def test_whatever_the_facts_deciding_is_safe(snapshot):
    decision = decide(snapshot)
    (plan,) = snapshot.plans
    assert decide(snapshot) == decision
    of_tasks = [a for a in decision.actions if not isinstance(a, StartBaseline | StartLanding)]
    touched = [a.task for a in of_tasks]
    assert len(touched) == len(set(touched)), "a task gets one action"
    assert not {("p", t) for t in touched if not _settles(decision, t)} & snapshot.busy
    running = sum(r.state is S.RUNNING for r in plan.tasks.values())
    assert len(started(decision)) <= max(0, plan.plan.parallel - running)
    assert len(started(decision, StartVerification)) <= snapshot.verify_slots
    for task in started(decision):
        state = plan.tasks[task].state
        assert state in {S.PENDING, S.RETRY_QUEUED}
        if state is S.PENDING:
            after = plan.plan.task(task).after
            assert all(plan.tasks[d].state is S.MERGED for d in after)
    queues = [a.target for a in decision.actions if isinstance(a, StartLanding)]
    assert len(queues) <= 1
    assert not snapshot.landing.intersection(queues)


def _settles(decision, task):
    return any(isinstance(a, Settle) and a.task == task for a in decision.actions)


def crowd(*, held=""):
    """Four tasks in line before one that was begun and one that was not; two may be in line."""
    line = {f"v{n}": verified(f"v{n}", position=n, held=held) for n in range(4)}
    again = TaskRecord("p", "again", state=S.RETRY_QUEUED, position=4, sessions=1)
    tasks = dict.fromkeys([*line, "again", "fresh"], ())
    return plan_of(tasks, merge="auto", parallel=2, states={**line, "again": again})


def test_no_further_task_is_begun_while_too_many_wait_to_land():
    assert started(decide(snap(crowd()))) == ["again"]
    few = replace(crowd(), tasks=crowd().tasks | {"v0": TaskRecord("p", "v0", state=S.MERGED)})
    assert started(decide(snap(few))) == ["again", "fresh"]


def test_what_a_person_holds_up_hinders_no_session():
    assert started(decide(snap(crowd(held="main is checked out")))) == ["again", "fresh"]


def test_a_plan_is_not_quiet_while_its_tasks_wait_for_the_landing_of_another_plan():
    plan = plan_of({"a": ()}, merge="auto", states={"a": verified("a")})
    assert not decide(snap(plan, landing=["main"])).quiet_plans


def test_what_landed_unverified_is_verified_by_itself_while_slots_are_idle():
    states = {"a": S.MERGED, "b": S.RUNNING, "c": S.VERIFYING}
    plan = plan_of({"a": (), "b": (), "c": ()}, states=states)
    owing = replace(snap(plan, busy=["b", "c"], slots=1), owed=frozenset({("p", "a")}))
    assert started(decide(owing), StartBackfill) == ["a"]
    for other in (
        replace(owing, verify_slots=0),
        replace(owing, busy=owing.busy - {("p", "c")}),
        replace(owing, landing=frozenset({"main"})),
        replace(owing, busy=owing.busy | {("p", "a")}),
    ):
        assert started(decide(other), StartBackfill) == []


def test_a_plan_in_which_nothing_else_goes_on_is_quiet_though_it_owes_a_look():
    plan = plan_of({"a": ()}, states={"a": S.MERGED})
    decision = decide(replace(snap(plan), owed=frozenset({("p", "a")})))
    assert (decision.actions, decision.quiet_plans) == ((), {"p"})

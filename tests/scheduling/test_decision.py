"""Deciding is pure: every case is a snapshot, and nothing needs to run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan.model import Plan
from orchestrator.records import PlanRecord, TaskRecord
from orchestrator.scheduling.actions import (
    BringUp,
    Settle,
    StartBackfill,
    StartBaseline,
    StartHandover,
    StartLanding,
    StartSession,
    StartVerification,
)
from orchestrator.scheduling.decision import PlanSnapshot, Snapshot, decide, line_of
from orchestrator.states import TaskState

S = TaskState


def plan_of(
    tasks,
    *,
    states=None,
    merge="manual",
    parallel=4,
    backlog=None,
    strategy="merge",
    baseline=True,
    paused=False,
    **more,
):
    """A plan whose tasks are given as {id: [dependencies]}."""
    plan = Plan.model_validate(
        {
            "clerk": 1,
            "name": "p",
            "parallel": parallel,
            "backlog": backlog,
            "strategy": strategy,
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


def record_of(draw, task, state, after):
    """A task with a head of its own, or another by now than those above it know."""
    words = {"", " ".join(f"{name}@{draw(st.sampled_from('hg'))}" for name in after)}
    head = draw(st.sampled_from("hg")) if state is not S.PENDING else ""
    return TaskRecord(
        "p",
        task,
        state=state,
        position="abcdef".index(task),
        base="base" if head else "",
        head=head,
        verified_head=draw(st.sampled_from(["", head])),
        stacked_on=draw(st.sampled_from(sorted(words))),
        settled_by="",
    )


@st.composite
def snapshots(draw):
    names = "abcdef"
    tasks = {
        t: sorted(draw(st.sets(st.sampled_from(names[:n]), max_size=2)) if n else [])
        for n, t in enumerate(names)
    }
    states = {t: draw(st.sampled_from(list(S))) for t in names}
    stacks = {t: {"stack": draw(st.booleans())} for t in names}
    states = {t: record_of(draw, t, state, tasks[t]) for t, state in states.items()}
    plan = plan_of(
        tasks,
        states=states,
        merge=draw(st.sampled_from(["auto", "manual"])),
        parallel=draw(st.integers(1, 3)),
        backlog=draw(st.sampled_from([None, 1, 3])),
        paused=draw(st.booleans()),
        baseline=draw(st.booleans()),
        **stacks,
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
            needs = plan.plan.task(task)
            assert all(
                plan.tasks[d].state is S.MERGED or (needs.stack and _proven(plan.tasks[d]))
                for d in needs.after
            )
    queues = [a.target for a in decision.actions if isinstance(a, StartLanding)]
    assert len(queues) <= 1
    assert not snapshot.landing.intersection(queues)
    _lands_from_below(line_of(snapshot, "main"), plan.tasks)
    for task in started(decision, BringUp):
        assert plan.tasks[task].state in {S.VERIFIED, S.VERIFYING}
        assert plan.tasks[task].stacked_on


def _proven(record):
    return record.state in {S.VERIFIED, S.MERGING} and record.verified_head == record.head != ""


def _lands_from_below(line, tasks):
    """What is in line has all that its branch holds of others on the target or in front of it."""
    for at, (task, record) in enumerate(line):
        in_front = {one.id for _, one in line[:at] if one.state is not S.MERGED}
        stood = dict(word.split("@") for word in record.stacked_on.split())
        if record.state is S.MERGED:
            continue
        for name in (*task.after, *stood):
            assert tasks[name].state is S.MERGED or name in in_front
        assert all(tasks[name].head == head for name, head in stood.items())


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


def test_the_bound_of_the_plan_counts_all_that_is_proven_whoever_it_waits_for():
    line = {f"v{n}": verified(f"v{n}", position=n) for n in range(3)}
    tasks = dict.fromkeys([*line, "again", "fresh"], ())
    line["again"] = TaskRecord("p", "again", state=S.RETRY_QUEUED, position=3, sessions=1)

    def begun(backlog, **states):
        return started(decide(snap(plan_of(tasks, states=line | states, backlog=backlog))))

    assert begun(None) == ["again", "fresh"], "manual merging: nothing lands by itself"
    assert begun(3) == ["again"]
    assert begun(4) == ["again", "fresh"]
    assert begun(3, v0=TaskRecord("p", "v0", state=S.MERGING)) == ["again"]
    assert begun(3, v0=TaskRecord("p", "v0", state=S.MERGED)) == ["again", "fresh"]


def test_what_landing_sent_back_time_and_again_lets_the_others_of_its_priority_go_first():
    def landing(**entries):
        states = {t: verified(t, merge_requested=True, **facts) for t, facts in entries.items()}
        plan = plan_of(dict.fromkeys(states, ()), states=states, a={"priority": 1})
        return in_line(plan)[:1]

    old, young = {"verified_at": 1.0}, {"verified_at": 2.0}
    assert landing(b={**old, "sent_back": 1}, c=young) == ["b"], "once, it keeps its place"
    assert landing(b={**old, "sent_back": 2}, c=young) == ["c"]
    assert landing(a={**old, "sent_back": 9}, c=young) == ["a"], "but never its priority"


def test_one_that_never_succeeds_starves_nobody():
    """An agent that is turned away each time uses up no attempt, and is due again at once."""
    records = {t: TaskRecord("p", t, position=n) for n, t in enumerate("abc")}
    begun = []
    for _ in range(30):
        plan = plan_of(dict.fromkeys("abc", ()), states=records, parallel=1)
        (task,) = started(decide(snap(plan)))
        begun.append(task)
        ended = S.RETRY_QUEUED if task == "a" else S.VERIFIED
        records[task] = replace(records[task], state=ended, sessions=records[task].sessions + 1)
    assert begun.index("b") == 4
    assert begun.index("c") == 5
    assert set(begun[6:]) == {"a"}


STACK = {"b": {"stack": True}}


def stacked(task, words, state=S.VERIFIED, **more):
    facts = {"base": "g", "head": "h", "verified_head": "h"} | more
    return TaskRecord("p", task, state=state, stacked_on=words, **facts)


def test_a_stacked_task_starts_on_work_that_is_proven_and_not_before():
    for dependency, starts in [
        (TaskRecord("p", "a", state=S.VERIFYING, head="h"), False),
        (verified("a"), True),
        (replace(verified("a"), state=S.MERGING), True),
        (replace(verified("a"), head="another"), False),
        (TaskRecord("p", "a", state=S.MERGED), True),
    ]:
        plan = plan_of({"a": [], "b": ["a"]}, states={"a": dependency}, **STACK)
        assert ("b" in started(decide(snap(plan)))) is starts, dependency


def test_it_does_not_start_on_what_stands_on_something_else_by_now():
    states = {
        "a": replace(verified("a"), head="new", verified_head="new"),
        "b": stacked("b", "a@h"),
    }
    plan = plan_of({"a": [], "b": ["a"], "c": ["b"]}, states=states, c={"stack": True}, **STACK)
    assert decide(snap(plan)).actions == (BringUp("p", "b"),)


def test_changed_ground_is_brought_up_and_ground_in_work_is_waited_for():
    changed = replace(verified("a"), head="new", verified_head="new")
    at_work = TaskRecord("p", "a", state=S.RUNNING, head="new")
    for state in (S.VERIFIED, S.VERIFYING):
        for dependency, told in [
            (verified("a"), (StartVerification("p", "b"),) if state is S.VERIFYING else ()),
            (changed, (BringUp("p", "b"),)),
            (replace(changed, state=S.MERGED), (BringUp("p", "b"),)),
            (at_work, ()),
        ]:
            states = {"a": dependency, "b": stacked("b", "a@h", state)}
            plan = plan_of({"a": [], "b": ["a"]}, states=states, **STACK)
            assert decide(snap(plan, busy=["a"])).actions == told, (state, dependency)


def test_a_session_brings_its_own_work_up_once_the_ground_is_proven():
    changed = replace(verified("a"), head="new", verified_head="new")
    for dependency, starts in [(changed, ["b"]), (replace(changed, state=S.VERIFYING), [])]:
        states = {"a": dependency, "b": stacked("b", "a@h", S.RETRY_QUEUED)}
        plan = plan_of({"a": [], "b": ["a"]}, states=states, **STACK)
        assert started(decide(snap(plan, busy=["a"]))) == starts


def test_ground_that_was_found_to_conflict_is_not_tried_again_before_it_changes():
    waiting = TaskRecord("p", "b", state=S.RETRY_QUEUED, stacked_on="a@h")
    for head, starts in [("h", []), ("new", ["b"])]:
        dependency = replace(verified("a"), head=head, verified_head=head)
        plan = plan_of({"a": [], "b": ["a"]}, states={"a": dependency, "b": waiting}, **STACK)
        decision = decide(snap(plan))
        assert started(decision) == starts
        assert bool(decision.quiet_plans) is not bool(starts)


@pytest.mark.parametrize(
    "state", [S.RUNNING, S.VERIFYING, S.VERIFIED, S.RETRY_QUEUED, S.NEEDS_INPUT]
)
def test_what_stands_on_lost_ground_is_stopped_with_the_reason_down_the_stack(state):
    states = {"a": S.FAILED, "b": stacked("b", "a@h", state), "c": stacked("c", "b@h")}
    plan = plan_of({"a": [], "b": ["a"], "c": ["b"]}, states=states, c={"stack": True}, **STACK)
    told = decide(snap(plan, busy=["b"])).actions
    assert told == (
        Settle("p", "b", "a", "'a' failed"),
        Settle("p", "c", "b", "needs 'b', and 'a' failed"),
    )


def in_line(plan):
    return [record.id for _, record in line_of(snap(plan), "main")]


def test_a_stack_lands_from_below_and_only_as_it_was_proven():
    def landing(dependency, **more):
        states = {"a": dependency, "b": stacked("b", "a@h", merge_requested=True)}
        return in_line(plan_of({"b": ["a"], "a": []}, states=states, b={"stack": True} | more))

    merged = replace(verified("a"), state=S.MERGED)
    ordered = verified("a", merge_requested=True)
    assert landing(merged) == ["b"]
    assert landing(replace(merged, head="another")) == []
    assert landing(replace(merged, reverted_commit="r")) == []
    assert landing(verified("a")) == [], "nobody ordered what it stands on to land"
    assert landing(ordered) == ["a", "b"]
    assert landing(replace(ordered, state=S.MERGING), priority=9) == ["a", "b"]
    assert landing(replace(ordered, head="new", verified_head="new")) == ["a"]


def test_where_landing_makes_other_commits_a_stack_is_brought_up_as_it_lands():
    states = {"a": replace(verified("a"), state=S.MERGED), "b": stacked("b", "a@h")}
    plan = plan_of({"a": [], "b": ["a"]}, states=states, strategy="squash", **STACK)
    assert decide(snap(plan)).actions == (BringUp("p", "b"),)


def handed(**facts):
    """A proven task; what is told of it laid over that."""
    proven = {"state": S.VERIFIED, "head": "h", "verified_head": "h"} | facts
    return TaskRecord("p", "a", **proven)


def test_what_is_proven_is_handed_over_and_never_lands_here():
    decision = decide(snap(plan_of({"a": []}, merge="pr", states={"a": handed()})))
    assert decision.actions == (StartHandover("p", "a"),)
    assert line_of(snap(plan_of({"a": []}, merge="pr", states={"a": handed()})), "main") == ()
    ordered = plan_of({"a": []}, merge="pr", states={"a": handed(merge_requested=True)})
    assert decide(snap(ordered)).actions == (StartHandover("p", "a"),)
    for merge in ("auto", "manual"):
        assert not started(
            decide(snap(plan_of({"a": []}, merge=merge, states={"a": handed()}))), StartHandover
        )


def test_an_open_pull_request_is_looked_at_when_it_is_time_and_keeps_the_plan_going():
    waits = handed(pull_request="https://x/pull/1", retry_at=160.0)
    decision = decide(snap(plan_of({"a": []}, merge="pr", states={"a": waits})))
    assert (decision.actions, decision.wake_at, decision.quiet_plans) == ((), 160.0, frozenset())
    later = decide(snap(plan_of({"a": []}, merge="pr", states={"a": waits}), now=160.0))
    assert later.actions == (StartHandover("p", "a"),)
    busy = snap(plan_of({"a": []}, merge="pr", states={"a": waits}), now=160.0, busy=["a"])
    assert decide(busy).actions == ()


def test_what_is_held_over_there_waits_for_a_person():
    held = handed(held="gh is not installed", retry_at=400.0)
    decision = decide(snap(plan_of({"a": []}, merge="pr", states={"a": held})))
    assert (decision.actions, decision.wake_at) == ((), None)
    assert decision.quiet_plans == {"p"}


@pytest.mark.parametrize(
    "facts", [{"verified_head": "g"}, {"withdrawn": True}, {"paused": True}, {"state": S.MERGED}]
)
def test_what_is_not_proven_or_taken_out_is_not_handed_over(facts):
    decision = decide(snap(plan_of({"a": []}, merge="pr", states={"a": handed(**facts)})))
    assert decision.actions == ()


def test_a_task_that_waits_for_approval_or_another_is_not_handed_over():
    plan = plan_of({"a": []}, merge="pr", states={"a": handed()}, a={"approve": True})
    assert decide(snap(plan)).actions == ()
    plan = plan_of({"b": [], "a": ["b"]}, merge="pr", states={"a": handed(), "b": S.RUNNING})
    assert not started(decide(snap(plan)), StartHandover)
    stack = {"a": {"stack": True}}
    below = replace(handed(pull_request="https://x/pull/1"), id="b")
    states = {"b": below, "a": handed(stacked_on="b@h", base="g")}
    plan = plan_of({"b": [], "a": ["b"]}, merge="pr", states=states, **stack)
    assert started(decide(snap(plan)), StartHandover) == ["b"]
    states["b"] = replace(below, state=S.MERGED)
    plan = plan_of({"b": [], "a": ["b"]}, merge="pr", states=states, **stack)
    assert decide(snap(plan)).actions == (BringUp("p", "a"),)

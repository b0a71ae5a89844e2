"""Gates claim no more than was asked for and found out."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.plan.model import Task, TestsFirst
from orchestrator.readiness import GateName, Survey, readiness, waits_for_approval
from orchestrator.records import TaskRecord
from orchestrator.states import TaskState, Verdict

PROVEN = TaskRecord("p", "a", state=TaskState.VERIFIED, head="h", verified_head="h")
CLEAN = Survey("h", target="t", files=1, conflicts=())


def task(**more) -> Task:
    return Task(id="a", title="A", brief="Do a.", done_when=("unit",), **more)


def gates(planned: Task, record: TaskRecord = PROVEN, survey: Survey | None = CLEAN, unmerged=()):
    return readiness(planned, record, survey, unmerged=unmerged)


def test_what_the_plan_does_not_ask_for_is_open_and_says_that_it_proves_nothing():
    unasked = {gate.name for gate in gates(task()).gates if not gate.asked}
    assert unasked == {GateName.RED_PROVEN, GateName.IN_SCOPE, GateName.APPROVED}
    asked = gates(task(approve=True, touches=("a/**",)))
    assert {gate.name for gate in asked.gates if not gate.asked} == {GateName.RED_PROVEN}


def test_only_landing_itself_opens_the_last_gate():
    ready = gates(task())
    assert ready.merge_ready
    assert ready.first_closed().name is GateName.MERGED_RESULT


def test_a_conflict_makes_a_task_unready_but_an_order_to_land_sends_it_to_its_agent():
    both = gates(task(), survey=Survey("h", target="t", files=1, conflicts=("a.txt",)))
    assert not both.merge_ready
    assert both.first_obstacle is None


def test_what_was_found_out_about_another_head_counts_for_nothing():
    stale = gates(task(touches=("a/**",)), survey=Survey("older", target="t", conflicts=()))
    closed = {gate.name for gate in stale.gates if not gate.open}
    assert {GateName.IN_SCOPE, GateName.PROTECTED, GateName.CLEAN} <= closed


def test_each_obstacle_is_named():
    for planned, record, survey, unmerged, name in [
        (task(), TaskRecord("p", "a", head="h"), CLEAN, (), GateName.VERIFIED),
        (task(touches=("x",)), PROVEN, Survey("h", out_of_scope=("y",)), (), GateName.IN_SCOPE),
        (task(), PROVEN, Survey("h", protected=("y",)), (), GateName.PROTECTED),
        (task(), PROVEN, CLEAN, ("b",), GateName.DEPENDENCIES),
        (task(approve=True), PROVEN, CLEAN, (), GateName.APPROVED),
    ]:
        assert gates(planned, record, survey, unmerged).first_obstacle.name is name


def refused(*given, **more) -> set[GateName]:
    shown = gates(*given, **more).gates
    assert not any(gate.open and gate.refused for gate in shown)
    return {gate.name for gate in shown if gate.refused}


def test_only_what_speaks_against_a_task_refuses_it_and_what_is_awaited_does_not():
    asked = task(
        approve=True, touches=("x",), tests_first=TestsFirst(paths=("t/**",), check="unit")
    )
    for state in TaskState:
        begun = TaskRecord("p", "a", state=state, head="h")
        failed = {GateName.VERIFIED} if state is TaskState.FAILED else set()
        assert refused(asked, begun, None, ("b",)) == failed, state
    for survey, name in [
        (Survey("h", out_of_scope=("y",)), GateName.IN_SCOPE),
        (Survey("h", protected=("y",)), GateName.PROTECTED),
        (Survey("h", conflicts=("y",)), GateName.CLEAN),
    ]:
        assert refused(task(touches=("x",)), PROVEN, survey) == {name}
    seen_red = replace(PROVEN, tests_head="r", tests_approved="r")
    for against in ({"locked": ("t/a",)}, {"unproven": ("t::a",)}):
        survey = replace(CLEAN, tests_head="r", **against)
        assert refused(asked, seen_red, survey) == {GateName.RED_PROVEN}
    changed = replace(CLEAN, tests_head="r", unproven=(), reconfigured=("pytest.ini",))
    assert refused(asked, seen_red, changed) == set(), "a person may still approve it"
    back = replace(PROVEN, state=TaskState.MERGED, merged_commit="m", reverted_commit="r")
    assert refused(task(), back) == {GateName.MERGED_RESULT}


def test_what_a_stack_stands_on_is_no_obstacle_and_is_named():
    stands = readiness(task(), PROVEN, CLEAN, unmerged=("b", "c"), stands_on=("b", "c"))
    (gate,) = (gate for gate in stands.gates if gate.name is GateName.DEPENDENCIES)
    assert stands.merge_ready
    assert gate.reason == "stands on b, c, proven as it is, and lands after it"
    shaky = readiness(task(), PROVEN, CLEAN, unmerged=("b", "c"), stands_on=("b",))
    assert shaky.first_obstacle.reason == "waits for c"


def test_a_forecast_is_told_at_its_gate_and_closes_none():
    told = readiness(task(), PROVEN, CLEAN, unmerged=(), clashes=("b in x.txt",))
    (gate,) = (gate for gate in told.gates if gate.name is GateName.CLEAN)
    assert told.merge_ready
    assert gate.open
    assert gate.reason.endswith("; will conflict with b in x.txt, not landed yet")


def test_what_was_put_back_for_a_verification_opens_no_gate_and_is_named():
    record = replace(PROVEN, state=TaskState.FAILED, verified_head="")
    for verdict, told in [
        (Verdict.PASSED, "unit passed only with y put back; the branch itself is not verified"),
        (Verdict.FAILED, "unit did not pass with y put back; the branch itself is not verified"),
        (Verdict.ERRORED, "unit has not passed"),
    ]:
        found = gates(task(), record, replace(CLEAN, protected=("y",), restored=verdict))
        assert not found.merge_ready
        assert found.first_obstacle.reason == told
        assert not next(g for g in found.gates if g.name is GateName.PROTECTED).open
        closed = {GateName.VERIFIED, GateName.PROTECTED}
        assert {gate.name for gate in found.gates if gate.refused} == closed
    back = replace(CLEAN, protected=("y",), restored=Verdict.FAILED)
    again = gates(task(), replace(record, state=TaskState.RETRY_QUEUED), back)
    assert {gate.name for gate in again.gates if gate.refused} == closed, "it was looked at"


FIRST = TestsFirst(paths=("tests/**",), check="unit")
RED = replace(PROVEN, tests_head="t")
GREEN = replace(CLEAN, tests_head="t", unproven=())


def red_gate(record=RED, survey=GREEN, **first):
    planned = task(tests_first=FIRST.model_copy(update=first))
    return next(g for g in gates(planned, record, survey).gates if g.name is GateName.RED_PROVEN)


def test_red_is_proven_by_evidence_alone():
    assert red_gate().open
    assert red_gate().reason == "red at t, green at h"
    for record, survey, told in [
        (PROVEN, GREEN, "not been seen red"),
        (RED, None, "not been looked at"),
        (RED, CLEAN, "not been looked at"),
        (RED, replace(GREEN, tests_head="older"), "not been looked at"),
        (RED, replace(GREEN, unproven=None), "not been seen green"),
        (RED, replace(GREEN, unproven=("x::y",)), "locked tests did not pass: x::y"),
        (RED, replace(GREEN, locked=("tests/a.py",)), "changes locked tests: tests/a.py"),
        (
            RED,
            replace(GREEN, reconfigured=("tox.ini",)),
            "tox.ini; look at it, then: clerk approve",
        ),
    ]:
        gate = red_gate(record, survey)
        assert not gate.open
        assert told in gate.reason


def test_a_person_answers_for_how_tests_are_run_at_one_head_only():
    changed = replace(GREEN, reconfigured=("tox.ini",))
    assert red_gate(replace(RED, approved_head="h"), changed).open
    assert not red_gate(replace(RED, approved_head="older"), changed).open
    hidden = replace(changed, unproven=("x::y",))
    assert not red_gate(replace(RED, approved_head="h"), hidden).open, "a skipped test stays one"


def test_tests_wait_for_approval_where_the_plan_asks_for_it():
    planned = task(tests_first=FIRST.model_copy(update={"approve": True}))
    waiting = replace(RED, state=TaskState.NEEDS_INPUT)
    assert not red_gate(approve=True).open
    assert red_gate(replace(RED, tests_approved="t"), approve=True).open
    assert waits_for_approval(planned, waiting, None)
    assert not waits_for_approval(planned, replace(waiting, tests_approved="t"), None)
    assert not waits_for_approval(planned, RED, None)
    assert not waits_for_approval(task(), waiting, None)

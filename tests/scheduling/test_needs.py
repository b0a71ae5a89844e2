"""What only a person can do is told as such, and what goes on by itself is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.plan.model import Task
from orchestrator.readiness import Survey, readiness
from orchestrator.records import TaskRecord
from orchestrator.scheduling.needs import leave_wanted, need_of
from orchestrator.states import Need, TaskState

PROVEN = TaskRecord("p", "a", state=TaskState.VERIFIED, head="h", verified_head="h")
CLEAN = Survey("h", target="t", files=1, conflicts=())


def need(record=PROVEN, survey=CLEAN, *, unmerged=(), auto=False, asks=False, tests=False, **more):
    task = Task(id="a", title="A", brief="Do a.", done_when=("unit",), **more)
    gates = readiness(task, record, survey, unmerged=unmerged)
    return need_of(record, gates, survey, asks=asks, asks_approval=tests, lands_by_itself=auto)


def at(state: TaskState) -> TaskRecord:
    return replace(PROVEN, state=state)


def test_who_stopped_says_what_for():
    stopped = at(TaskState.NEEDS_INPUT)
    assert need(stopped, asks=True) is Need.ANSWER
    assert need(stopped, tests=True) is Need.APPROVE
    assert need(stopped) is Need.LOOK
    assert need(at(TaskState.FAILED)) is Need.MEND


@pytest.mark.parametrize(
    "state",
    sorted(set(TaskState) - {TaskState.NEEDS_INPUT, TaskState.FAILED, TaskState.VERIFIED}),
)
def test_what_is_in_work_or_done_needs_nobody(state):
    assert need(at(state)) is None


def test_what_is_ready_needs_a_word_only_where_merging_is_manual():
    assert need() is Need.MERGE
    assert need(auto=True) is None
    assert need(replace(PROVEN, merge_requested=True)) is None
    assert need(replace(PROVEN, withdrawn=True)) is None


def test_an_approval_is_needed_whoever_merges():
    assert need(approve=True) is Need.APPROVE
    assert need(approve=True, auto=True) is Need.APPROVE


def test_what_landing_waits_for_is_looked_at_by_a_person():
    held = replace(PROVEN, merge_requested=True, held="the target is checked out")
    assert need(held) is Need.LOOK
    assert need(held, auto=True) is Need.LOOK


def test_a_person_whose_checkout_is_in_the_way_is_asked_for_leave_and_for_nothing_else():
    why = leave_wanted("main", "/home/ada/shop")
    assert need(replace(PROVEN, merge_requested=True, held=why)) is Need.LEAVE
    assert need(replace(PROVEN, held=why), auto=True) is Need.LEAVE
    quoted = f"main is checked out in /home/ada/shop with changes of yours: {why} x"
    assert need(replace(PROVEN, held=quoted)) is Need.LOOK
    back = replace(at(TaskState.MERGED), revert_requested=True)
    assert need(back) is None
    assert need(replace(back, held=why)) is Need.LEAVE
    assert need(replace(back, held="somebody moved main")) is Need.LOOK
    assert need(replace(at(TaskState.MERGED), held=why)) is None, "nothing of it waits"


def test_paths_out_of_bounds_and_conflicts_want_a_look():
    assert need(survey=Survey("h", out_of_scope=("y",)), touches=("x",)) is Need.LOOK
    assert need(survey=replace(CLEAN, conflicts=("a.txt",))) is Need.LOOK
    assert need(survey=replace(CLEAN, conflicts=("a.txt",)), auto=True) is None, (
        "its agent mends it"
    )


def test_what_was_not_looked_at_yet_calls_nobody():
    assert need(survey=None) is None
    assert need(survey=replace(CLEAN, head="older")) is None
    assert need(survey=replace(CLEAN, conflicts=None)) is None


def test_what_waits_for_other_tasks_goes_on_by_itself():
    assert need(unmerged=("b",)) is None

"""What several runs on one tree come to: flaky is never green by mistake, and overload never red."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.model import Check, Quarantine
from orchestrator.results import CheckResult, Failure, Report, Verification
from orchestrator.states import Verdict
from orchestrator.verification.check_trials import (
    judged_by_load,
    taken_together,
    wants_calm,
    wants_rerun,
)

QUARANTINE = Quarantine(quarantine=("a", "b"))


def check(flaky="block", rerun=1):
    return Check(run="true", report="junit", flaky=flaky, rerun=rerun)


def passed(**report):
    return result(Verdict.PASSED, 0, Report(parsed=True, passed=5, **report))


def failed(*tests, **report):
    failures = tuple(Failure(test, "it broke") for test in tests)
    told = Report(
        **{"parsed": True, "passed": 4, "failed": len(tests), "failures": failures} | report
    )
    return result(Verdict.FAILED, 1, told)


def result(verdict, code, report=Report(), **more):  # noqa: B008 - a frozen value
    return CheckResult("unit", "unit", "true", verdict, report, code, 2.0, **more)


def overloaded():
    timed_out = result(Verdict.TIMED_OUT, None, reason="stopped after 5m")
    return judged_by_load(timed_out, "something waited for a core 97% of the time")


def together(policy, *runs):
    return taken_together(check(policy), runs)


def test_failed_then_passed_is_flaky_and_names_the_tests():
    told = together("block", failed("a", "c"), passed())
    assert (told.verdict, told.ok, told.runs, told.seconds) == (Verdict.FLAKY, False, 2, 4.0)
    assert told.flaky_tests == ("a", "c")
    assert told.reason == "failed, then passed on the same tree: a, c"


@pytest.mark.parametrize(
    ("policy", "runs", "ok"),
    [
        ("block", [failed("a"), passed()], False),
        ("allow", [failed("a"), passed()], True),
        ("allow", [failed(parsed=False), passed()], True),
        ("allow", [failed("a"), failed("a")], False),
        (QUARANTINE, [failed("a"), passed()], True),
        (QUARANTINE, [failed("a", "c"), passed()], False),
        (QUARANTINE, [failed(parsed=False), passed()], False),
        (QUARANTINE, [failed("a", failed=2), passed()], False),
        (QUARANTINE, [failed("a", "b")], True),
        (QUARANTINE, [failed("c"), failed("a")], False),
        (QUARANTINE, [failed("a", passed=0)], False),
        (QUARANTINE, [failed("a", failed=2)], False),
        (QUARANTINE, [failed("a", "c")], False),
        (QUARANTINE, [failed(parsed=False)], False),
        ("block", [passed(flaky=1, flaky_tests=("a",))], False),
        ("allow", [passed(flaky=1)], True),
        (QUARANTINE, [passed(flaky=1, flaky_tests=("a",))], True),
        (QUARANTINE, [passed(flaky=2, flaky_tests=("a",))], False),
        (QUARANTINE, [passed(flaky=1, flaky_tests=("c",))], False),
    ],
)
def test_what_the_policy_makes_of_it(policy, runs, ok):
    told = together(policy, *runs)
    assert told.ok is ok
    assert told.verdict is not Verdict.PASSED
    assert Verification("c", "t", (told,)).passed is ok


def test_a_crash_is_never_in_quarantine():
    crashed = result(Verdict.FAILED, 139, failed("a").report)
    assert not together(QUARANTINE, crashed).ok


def test_a_failure_that_stays_is_red_and_tells_what_else_came_and_went():
    told = together("allow", failed("a", "c"), failed("c"))
    assert (told.verdict, told.flaky_tests) == (Verdict.FAILED, ("a",))


def test_a_failure_is_tried_again_as_often_as_the_plan_says():
    assert not wants_rerun(check(rerun=0), [failed("a")])
    assert wants_rerun(check(rerun=2), [failed("a"), failed("a")])
    assert not wants_rerun(check(rerun=2), [failed("a")] * 3)
    assert not wants_rerun(check(QUARANTINE), [failed("a")]), (
        "it may fail: nothing is to be found out"
    )


@pytest.mark.parametrize("verdict", [Verdict.ERRORED, Verdict.TIMED_OUT, Verdict.PASSED])
def test_only_a_failure_is_tried_again(verdict):
    assert not wants_rerun(check(rerun=9), [result(verdict, None)])


def test_a_time_out_under_overload_is_an_error_and_wants_calm_once():
    first = overloaded()
    assert (first.verdict, first.overloaded) == (Verdict.ERRORED, True)
    assert first.reason == (
        "overloaded: stopped after 5m, while something waited for a core 97% of the time"
    )
    assert wants_calm([first])
    assert not wants_calm([first, first])


def test_a_time_out_on_a_calm_machine_counts_and_a_failure_counts_on_any():
    timed_out = result(Verdict.TIMED_OUT, None)
    assert judged_by_load(timed_out, "") is timed_out
    red = failed("a")
    assert judged_by_load(red, "no core was to be had") is red


def test_what_comes_of_the_run_alone_counts():
    assert together("block", overloaded(), passed()).verdict is Verdict.PASSED
    timed_out = together("block", overloaded(), result(Verdict.TIMED_OUT, None))
    assert (timed_out.verdict, timed_out.overloaded) == (Verdict.TIMED_OUT, True)
    assert together(QUARANTINE, overloaded(), failed("a"), passed()).ok


RUNS = st.lists(
    st.one_of(
        st.builds(passed),
        st.builds(passed, flaky=st.just(1)),
        st.lists(st.sampled_from("abc"), unique=True).map(lambda tests: failed(*tests)),
        st.sampled_from([Verdict.ERRORED, Verdict.TIMED_OUT]).map(lambda v: result(v, None)),
        st.builds(overloaded),
    ),
    min_size=1,
    max_size=4,
)


@given(RUNS, st.sampled_from(["block", "allow", QUARANTINE]))
def test_green_needs_runs_that_were_all_green(runs, policy):
    told = together(policy, *runs)
    if told.verdict is Verdict.PASSED:
        assert not any(run.verdict is Verdict.FAILED for run in runs)
        assert runs[-1].verdict is Verdict.PASSED
        assert not runs[-1].report.flaky
    if told.ok and isinstance(policy, Quarantine) and told.verdict is Verdict.FLAKY:
        assert set(told.flaky_tests) <= set(policy.quarantine)
    if policy == "block":
        assert told.ok is (told.verdict is Verdict.PASSED)

"""What earlier runs tell: how likely a check fails, what it costs, and in which order to go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.model import Check
from orchestrator.records import CheckRunRecord
from orchestrator.states import Verdict
from orchestrator.verification.check_graph import urgencies
from orchestrator.verification.check_history import History, Past, command_hash, flakes_told

KINDS = ("build", "lint", "types", "unit", "integration", "e2e")


def ran(verdict=Verdict.PASSED, seconds=1.0, *, cached=False, flaky=""):
    return CheckRunRecord(
        plan="p", task="t", purpose="branch", check_name="unit", command=command_hash("true"),
        tree="f" * 40, verdict=verdict, seconds=seconds, cached=cached, runs=1, flaky=flaky,
        overloaded=False, at=0.0,
    )  # fmt: skip


def history(**pasts):
    return History({name: Past(runs) for name, runs in pasts.items()})


def order(checks, told=None):
    worth = urgencies(checks, checks, told or History())
    return sorted(checks, key=lambda name: -worth[name])


def test_without_a_past_the_kind_decides():
    checks = {kind: Check(run="true", kind=kind) for kind in reversed(KINDS)}
    assert order(checks) == list(KINDS)


def test_what_fails_often_goes_before_what_never_does():
    checks = {name: Check(run="true") for name in ("calm", "touchy")}
    told = history(calm=[ran()] * 9, touchy=[ran(Verdict.FAILED)] * 9)
    assert order(checks, told) == ["touchy", "calm"]


def test_of_equals_the_quicker_goes_first():
    checks = {name: Check(run="true") for name in ("slow", "quick")}
    told = history(slow=[ran(seconds=60.0)] * 9, quick=[ran(seconds=1.0)] * 9)
    assert order(checks, told) == ["quick", "slow"]


def test_a_dull_build_is_as_urgent_as_what_fails_behind_it():
    checks = {
        "e2e": Check(run="true", kind="e2e"),
        "build": Check(run="true", kind="build"),
        "unit": Check(run="true", needs=("build",)),
    }
    told = history(
        e2e=[ran(Verdict.FAILED, 300.0), *[ran(seconds=300.0)] * 9],
        build=[ran(seconds=60.0)] * 30,
        unit=[ran(Verdict.FAILED, 10.0)] * 9,
    )
    worth = urgencies(checks, checks, told)
    assert worth["unit"] > worth["build"] > worth["e2e"]


def test_errors_and_what_was_known_say_nothing_of_the_next_run():
    past = Past([ran(Verdict.ERRORED, 90.0), ran(cached=True, seconds=0.0), ran(seconds=4.0)])
    assert (len(past.real), past.cache_hits, past.percentile(0.5)) == (1, 1, 4.0)


def test_percentiles_are_of_runs_that_were_really_made():
    past = Past([ran(seconds=float(number)) for number in range(1, 21)])
    assert (past.percentile(0.5), past.percentile(0.95)) == (10.0, 19.0)
    assert Past().percentile(0.5) is None


def test_flakes_are_counted_by_test_over_the_newest_runs():
    past = Past([ran(Verdict.FLAKY, flaky="a\nb"), ran(Verdict.FLAKY, flaky="a"), *[ran()] * 30])
    assert past.flakes() == {"a": (2, 20), "b": (1, 20)}
    assert flakes_told(["a", "new"], past) == ["a (2 of the last 20 runs)", "new"]


VERDICTS = st.sampled_from([Verdict.PASSED, Verdict.FAILED, Verdict.TIMED_OUT, Verdict.FLAKY])


@given(st.lists(st.builds(ran, VERDICTS, st.floats(0.0, 1e5)), max_size=50))
def test_a_chance_is_a_chance_and_a_cost_is_never_nothing(runs):
    told = history(unit=runs)
    assert 0.0 < told.likelihood("unit") < 1.0
    assert told.cost("unit", Check(run="true")) > 0.0

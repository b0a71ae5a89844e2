"""How long a verdict takes, and which check it waits for."""

from __future__ import annotations

import pytest

from orchestrator.plan.model import Check, Plan, Task
from orchestrator.records import AttemptRecord, CheckRunRecord, VerificationSpan
from orchestrator.verification.check_history import History, Past, percentile
from orchestrator.verification.loop_speed import SLOW_SECONDS, dominant, times_to_verdict


def ran(seconds, *, cached=False):
    return CheckRunRecord(
        plan="p", task="t", purpose="branch", check_name="unit", command="c", tree="f" * 40,
        verdict="passed", seconds=seconds, cached=cached, runs=1, flaky="", overloaded=False, at=0.0,
    )  # fmt: skip


def found(checks, **seconds):
    """What dominates a plan of these checks, each of which ran for so long."""
    asked = Task(id="a", title="A", brief="Do a.", done_when=tuple(checks))
    plan = Plan(clerk=1, name="p", checks=checks, tasks=(asked,))
    return dominant(plan, History({name: Past([ran(took)] * 3) for name, took in seconds.items()}))


def test_the_check_that_takes_most_of_the_longest_chain_is_named():
    checks = {
        "build": Check(run="true", kind="build"),
        "lint": Check(run="true", kind="lint"),
        "e2e": Check(run="true", kind="e2e", needs=("build",)),
    }
    told = found(checks, build=20.0, lint=100.0, e2e=180.0)
    assert (told.check, told.seconds, told.loop_seconds, told.runs) == ("e2e", 180.0, 200.0, 3)
    assert told.sentence == (
        "takes 3m of the 3m 20s that a verification takes (median of 3 runs):"
        " list inputs of 'e2e', 'build', so that a change elsewhere does not run it,"
        " or split it into checks that run side by side"
    )


def test_a_check_beside_the_longest_chain_is_not_waited_for():
    checks = {name: Check(run="true", kind="build") for name in ("a", "b")}
    checks["c"] = Check(run="true", needs=("a", "b"))
    told = found(checks, a=30.0, b=31.0, c=29.0)
    assert (told.check, told.loop_seconds) == ("b", 60.0)


def test_what_it_waits_for_is_told_where_that_costs_something():
    checks = {"build": Check(run="true"), "e2e": Check(run="true", needs=("build",))}
    assert "let it not wait for 'build'" in found(checks, build=40.0, e2e=60.0).sentence
    assert "let it not wait" not in found(checks, build=1.0, e2e=60.0).sentence


def test_a_check_with_inputs_is_not_told_to_list_them():
    checks = {"e2e": Check(run="true", inputs=("src/**",))}
    assert found(checks, e2e=60.0).mends == ("split it into checks that run side by side",)


@pytest.mark.parametrize(
    "seconds",
    [
        {},
        {"a": SLOW_SECONDS - 0.1},
        {"a": 30.0, "b": 31.0, "c": 32.0},
    ],
    ids=["nothing ran yet", "quick enough", "none takes half"],
)
def test_no_check_dominates(seconds):
    checks = {"a": Check(run="true"), "b": Check(run="true", needs=("a",))}
    checks["c"] = Check(run="true", needs=("b",))
    assert found(checks, **seconds) is None


def test_percentiles_are_values_that_were_really_seen():
    assert percentile([], 0.5) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile(map(float, range(1, 101)), 0.95) == 95.0


def attempt(number, ended_at):
    return AttemptRecord("p", "a", number, agent="sh", sandbox="none", ended_at=ended_at)


def span(number, started_at, ended_at, purpose="branch"):
    return VerificationSpan("a", number, purpose, started_at, ended_at)


def test_a_verdict_is_waited_for_from_the_sessions_commit_until_the_first_one_on_it():
    attempts = [attempt(1, 100.0), attempt(2, 200.0), attempt(3, 0.0)]
    spans = [
        span(1, 90.0, 95.0, "asked"),
        span(1, 103.0, 110.0),
        span(1, 150.0, 190.0),
        span(2, 201.0, 202.5, "red"),
        span(2, 210.0, 230.0, "candidate"),
        span(3, 300.0, 301.0),
    ]
    assert times_to_verdict(attempts, spans) == [10.0, 2.5]


def test_a_verdict_from_before_the_commit_is_not_one_on_it():
    assert times_to_verdict([attempt(1, 100.0)], [span(1, 90.0, 130.0)]) == []

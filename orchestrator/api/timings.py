"""From runs on record to how fast a plan's verification is, for people to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.api.timing_views import CheckTimingView, TimingView
from orchestrator.plan.graph import check_closure
from orchestrator.verification.check_history import flakes_told, percentile
from orchestrator.verification.loop_speed import dominant, times_to_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.plan.model import Plan
    from orchestrator.records import AttemptRecord, VerificationSpan
    from orchestrator.verification.check_history import History

MOST_FLAKY = 10
"""Tests of a check that are told."""


def timing_view(
    plan: Plan,
    history: History,
    attempts: Iterable[AttemptRecord],
    spans: Iterable[VerificationSpan],
) -> TimingView:
    """The figures of ``plan``, whose checks have that ``history``."""
    took = times_to_verdict(attempts, spans)
    slowest = dominant(plan, history)
    wanted = {name for task in plan.tasks for name in task.done_when}
    return TimingView(
        plan=plan.name,
        verdicts=len(took),
        to_verdict_p50_seconds=percentile(took, 0.5),
        to_verdict_p95_seconds=percentile(took, 0.95),
        checks=tuple(_check(plan, name, history) for name in check_closure(plan.checks, wanted)),
        dominant=slowest.check if slowest else "",
        advice=slowest.sentence if slowest else "",
    )


def _check(plan: Plan, name: str, history: History) -> CheckTimingView:
    past = history.of(name)
    return CheckTimingView(
        name=name,
        kind=plan.checks[name].kind,
        runs=len(past.real),
        cached=past.cache_hits,
        not_green=past.not_green,
        p50_seconds=past.percentile(0.5),
        p95_seconds=past.percentile(0.95),
        flaky_tests=tuple(flakes_told(list(past.flakes())[:MOST_FLAKY], past)),
    )

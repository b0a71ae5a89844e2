"""How fast verification is, as lines of text: from commit to verdict, and check by check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.api.timing_views import CheckTimingView, TimingView


def timing_lines(timings: Sequence[TimingView]) -> Iterator[str]:
    """Each plan's figures; every line safe for a terminal."""
    for number, timing in enumerate(timings):
        if number:
            yield ""
        yield from _plan_lines(timing)
    if not timings:
        yield "no plan was started here yet; start one with: clerk run PLAN"


def _plan_lines(timing: TimingView) -> Iterator[str]:
    p50, p95 = _took(timing.to_verdict_p50_seconds), _took(timing.to_verdict_p95_seconds)
    verdicts = _counted(timing.verdicts, "verdict")
    told = f"p50 {p50}, p95 {p95} of {verdicts}" if timing.verdicts else "no verdict yet"
    yield f"plan {timing.plan}: from commit to verdict {told}"
    width = max((len(check.name) for check in timing.checks), default=0)
    for check in timing.checks:
        yield safe_text(f"  {check.name:<{width}}  {_check(check)}")
        for test in check.flaky_tests:
            yield safe_text(f"  {'':<{width}}  flaky: {test}", limit=300)
    if timing.advice:
        yield safe_text(f"  check {timing.dominant!r}: {timing.advice}")


def _check(check: CheckTimingView) -> str:
    known = f"{check.cached} known from before"
    if not check.runs:
        return f"no run yet, {known}"
    p50, p95 = _took(check.p50_seconds), _took(check.p95_seconds)
    return (
        f"p50 {p50}, p95 {p95} of {_counted(check.runs, 'run')},"
        f" {check.not_green} not green, {known}"
    )


def _took(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else show_duration(round(seconds, 1))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

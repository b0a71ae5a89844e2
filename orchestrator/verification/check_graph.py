"""Which checks must run, and in which order: pure functions over ``needs``.

A known verdict spares a check its run, with one exception: a check that must run works on what
its ``needs`` left behind in the checkout (a build, a generated file), so those run in the same
checkout again, known or not. What needs a check that is known to fail is left out at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.plan.graph import check_closure
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.plan.model import Check
    from orchestrator.results import CheckResult
    from orchestrator.verification.check_history import History

_CHEAPEST_FIRST = ("build", "lint", "types", "unit", "integration", "e2e")


@dataclass(frozen=True, slots=True)
class Course:
    """What to do about each check: take the known result, leave it out, or run it.

    ``left_out`` tells of each the need that is known to fail, or is left out itself.
    """

    reused: Mapping[str, CheckResult] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    to_run: tuple[str, ...] = ()


def run_order(checks: Mapping[str, Check], wanted: Iterable[str]) -> tuple[str, ...]:
    """``wanted`` and all they need, needs first, the cheaper kinds first among equals.

    Raises KeyError for a check that the plan does not have.
    """
    cheapest_first = sorted(checks, key=lambda name: _CHEAPEST_FIRST.index(checks[name].kind))
    return check_closure({name: checks[name] for name in cheapest_first}, wanted)


def chart(
    checks: Mapping[str, Check], order: tuple[str, ...], known: Mapping[str, CheckResult]
) -> Course:
    """The course through ``order`` (needs first); ``known`` are results of earlier runs."""
    left_out = _left_out(checks, order, known)
    to_run: set[str] = set()
    for name in reversed(order):
        if name not in known and name not in left_out:
            to_run.add(name)
        if name in to_run:
            to_run.update(checks[name].needs)
    settled = to_run | left_out.keys()
    return Course(
        reused={name: known[name] for name in order if name in known and name not in settled},
        left_out=left_out,
        to_run=tuple(name for name in order if name in to_run),
    )


def _left_out(
    checks: Mapping[str, Check], order: tuple[str, ...], known: Mapping[str, CheckResult]
) -> dict[str, str]:
    """What cannot start, with the need that bars it; also what passed while that did."""
    barred: dict[str, str] = {}
    red = {name for name, result in known.items() if not result.ok}
    for name in order:
        bar = next((need for need in checks[name].needs if need in red or need in barred), None)
        if bar is not None:
            barred[name] = bar
    return barred


def urgencies(
    checks: Mapping[str, Check], names: Iterable[str], history: History
) -> dict[str, float]:
    """How soon each check should start: its chance to fail per second, higher first.

    What another one needs is as urgent as that one is with all it needs: a failure found by way
    of a dull build is found soonest when the build goes first.
    """
    urgency: dict[str, float] = {}
    for name in names:
        chance = history.likelihood(name)
        own = chance / history.cost(name, checks[name])
        urgency[name] = max(own, urgency.get(name, 0.0))
        needed = check_closure(checks, checks[name].needs)
        if needed:
            whole = sum(history.cost(one, checks[one]) for one in (name, *needed))
            for need in needed:
                urgency[need] = max(chance / whole, urgency.get(need, 0.0))
    return urgency


def not_started(need: CheckResult) -> str:
    """The reason of a check that was left out because of what became of one it needs."""
    became = "was not started" if need.skipped else _BECAME[need.verdict]
    return f"not started: it needs {need.check!r}, which {became}"


_BECAME = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.ERRORED: "could not run",
    Verdict.TIMED_OUT: "timed out",
    Verdict.FLAKY: "is flaky",
}

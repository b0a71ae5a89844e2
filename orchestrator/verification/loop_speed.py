"""How long a plan's verification takes, and which check it waits for.

Pure: pasts of checks in, figures out. The loop is what an agent waits for after a commit when
nothing is known from before and slots are free: the longest chain of checks by ``needs``. A check that takes
most of it *dominates*, and is told with what may be done about that. Nothing is guessed: a check that
never ran counts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plan.graph import check_closure
from orchestrator.plan.quoting import quoted
from orchestrator.plan.values import show_duration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from orchestrator.plan.model import Check, Plan
    from orchestrator.records import AttemptRecord, VerificationSpan
    from orchestrator.verification.check_history import History

SLOW_SECONDS = 5.0
"""Below that no check is worth a word."""

_OF_WORK = frozenset({"branch", "red", "restored"})
"""What verifications of a session's work are for."""

_MOST = 0.5
_WORTH_WAITING_FOR = 0.2


@dataclass(frozen=True, slots=True)
class Dominant:
    """The check that takes most of the loop: ``seconds`` of ``loop_seconds``, both medians.

    ``mends`` are what may be done about it, the likeliest first.
    """

    check: str
    seconds: float
    loop_seconds: float
    runs: int
    mends: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.seconds / self.loop_seconds

    @property
    def sentence(self) -> str:
        runs = "1 run" if self.runs == 1 else f"{self.runs} runs"
        took = show_duration(round(self.seconds, 1))
        whole = show_duration(round(self.loop_seconds, 1))
        told = f"takes {took} of the {whole} that a verification takes (median of {runs})"
        return f"{told}: {', or '.join(self.mends)}"


def dominant(plan: Plan, history: History) -> Dominant | None:
    """The check that dominates the loop of ``plan``, if one does and it matters."""
    wanted = {name for task in plan.tasks for name in task.done_when}
    order = check_closure(plan.checks, wanted)
    costs = {name: history.of(name).percentile(0.5) or 0.0 for name in order}
    chain = _longest_chain(plan.checks, order, costs)
    loop = sum(costs[name] for name in chain)
    slowest = max(chain, key=lambda name: costs[name], default="")
    if not slowest or costs[slowest] < max(SLOW_SECONDS, _MOST * loop):
        return None
    return Dominant(
        slowest,
        costs[slowest],
        loop,
        len(history.of(slowest).real),
        tuple(_mends(plan.checks, slowest, costs, loop)),
    )


def times_to_verdict(
    attempts: Iterable[AttemptRecord], spans: Iterable[VerificationSpan]
) -> list[float]:
    """Seconds from each session's last commit to the first verdict on it, waiting included."""
    committed = {(each.task, each.number): each.ended_at for each in attempts if each.ended_at}
    first: dict[tuple[str, int], float] = {}
    for span in spans:
        at = (span.task, span.attempt)
        if span.purpose in _OF_WORK and at in committed and span.started_at >= committed[at]:
            first.setdefault(at, span.ended_at - committed[at])
    return list(first.values())


def _longest_chain(
    checks: Mapping[str, Check], order: Collection[str], costs: Mapping[str, float]
) -> list[str]:
    """The checks that the last one to end waited for, and itself, in their order."""
    ends: dict[str, float] = {}
    before: dict[str, str] = {}
    for name in order:
        latest = max(checks[name].needs, key=lambda need: ends[need], default="")
        before[name] = latest
        ends[name] = costs[name] + ends.get(latest, 0.0)
    chain: list[str] = []
    name = max(ends, key=lambda each: ends[each], default="")
    while name:
        chain.insert(0, name)
        name = before[name]
    return chain


def _mends(
    checks: Mapping[str, Check], name: str, costs: Mapping[str, float], loop: float
) -> list[str]:
    needed = [need for need in check_closure(checks, checks[name].needs) if need != name]
    mends = []
    if bare := [each for each in (name, *needed) if not checks[each].inputs]:
        of = "its inputs" if bare == [name] else f"inputs of {', '.join(map(quoted, bare))}"
        mends.append(f"list {of}, so that a change elsewhere does not run it")
    mends.append("split it into checks that run side by side")
    mends += [
        f"let it not wait for {quoted(need)}"
        for need in checks[name].needs
        if costs[need] >= _WORTH_WAITING_FOR * loop
    ]
    return mends

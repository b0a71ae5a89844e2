"""How long the engine lets work lie: after a session's end, and after a landing."""

from __future__ import annotations

from benchmarks.chain import measured
from benchmarks.figures import Figure, percentile

GOAL = "p99 at most 50 ms over git"


def run(runs: int) -> list[Figure]:
    chains = [measured() for _ in range(runs)]
    to_check = [ms for chain in chains for ms in chain.to_check]
    to_dependent = [ms for chain in chains for ms in chain.to_dependent]
    git_to_check = sorted(chain.git_to_check for chain in chains)[runs // 2]
    git_to_dependent = sorted(chain.git_to_dependent for chain in chains)[runs // 2]
    return [
        *_both("session's end to its check's start", to_check, git_to_check),
        *_both("landing to the dependent's session", to_dependent, git_to_dependent),
    ]


def _both(what: str, ours: list[float], bare: float) -> list[Figure]:
    return [
        Figure(f"{what}, p50", percentile(ours, 0.5), "ms", bare),
        Figure(f"{what}, p99", percentile(ours, 0.99), "ms", bare, GOAL),
    ]

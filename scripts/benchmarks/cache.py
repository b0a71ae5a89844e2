"""What it costs to verify a tree that was verified already: a landing right after its branch."""

from __future__ import annotations

from benchmarks.chain import measured
from benchmarks.figures import Figure, percentile


def run(runs: int) -> list[Figure]:
    chains = [measured() for _ in range(runs)]
    took = [ms for chain in chains for ms in chain.cached]
    return [
        Figure(
            "verified tree: commands run", max(chain.commands for chain in chains), "", goal="0"
        ),
        Figure("verified tree, p50", percentile(took, 0.5), "ms", goal="at most 20 ms"),
        Figure("verified tree, p99", percentile(took, 0.99), "ms", goal="at most 20 ms"),
    ]

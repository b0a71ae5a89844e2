"""What it costs to verify a tree: known already, as a landing's is, and over what its checks take."""

from __future__ import annotations

from benchmarks.chain import measured
from benchmarks.figures import Figure, percentile


def run(runs: int) -> list[Figure]:
    chains = [measured() for _ in range(runs)]
    took = [ms for chain in chains for ms in chain.cached]
    over = [ms for chain in chains for ms in chain.overhead]
    return [
        Figure(
            "verified tree: commands run", max(chain.commands for chain in chains), "", goal="0"
        ),
        Figure("verified tree, p50", percentile(took, 0.5), "ms", goal="at most 20 ms"),
        Figure("verified tree, p99", percentile(took, 0.99), "ms", goal="at most 20 ms"),
        Figure("over bare commands, p50", percentile(over, 0.5), "ms", goal="at most 100 ms"),
        Figure("over bare commands, p99", percentile(over, 0.99), "ms", goal="at most 100 ms"),
    ]

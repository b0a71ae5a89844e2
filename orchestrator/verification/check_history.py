"""What earlier runs of a check tell of the next: how likely it fails, and what it costs.

Pure: runs come from the store, newest first, and a run counts for a check only when its command was
the same. A check without a past is taken for a usual one of its kind, and a short past counts
for little. Errors say nothing of the tree and are left out; so is whatever was not really run.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from orchestrator.states import Verdict

if TYPE_CHECKING:
    from orchestrator.plan.model import Check
    from orchestrator.records import CheckRunRecord

NEWEST = 50
"""As many runs of a check tell of the next one."""

FLAKES_AMONG = 20
"""As many tell how often a test was flaky."""

_USUAL_SECONDS = {
    "build": 8.0,
    "lint": 9.0,
    "types": 15.0,
    "unit": 30.0,
    "integration": 90.0,
    "e2e": 240.0,
}
_USUAL_CHANCE = 0.3
_USUAL_WORTH = 2
"""What is assumed of a check counts as much as that many runs of it."""

_LEAST_SECONDS = 0.01

_NOT_GREEN = frozenset({Verdict.FAILED, Verdict.TIMED_OUT, Verdict.FLAKY})


def command_hash(command: str) -> str:
    """What a check's runs are known by, beside its name."""
    return hashlib.sha256(command.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Past:
    """The newest runs of one command, newest first."""

    runs: Sequence[CheckRunRecord] = ()

    @cached_property
    def real(self) -> tuple[CheckRunRecord, ...]:
        """Those that ran and came to a verdict."""
        return tuple(r for r in self.runs if not r.cached and r.verdict != Verdict.ERRORED)

    @property
    def cache_hits(self) -> int:
        return sum(run.cached for run in self.runs)

    @property
    def not_green(self) -> int:
        return sum(run.verdict in _NOT_GREEN for run in self.real)

    def percentile(self, share: float) -> float | None:
        """Seconds within which ``share`` (0..1) of the real runs ended; None before the first."""
        return percentile((run.seconds for run in self.real), share)

    def flakes(self, among: int = FLAKES_AMONG) -> dict[str, tuple[int, int]]:
        """How often each test was flaky, and in how many runs; the flakiest first."""
        runs = self.real[:among]
        counted = Counter(test for run in runs for test in _tests(run.flaky))
        return {test: (times, len(runs)) for test, times in counted.most_common()}


NO_PAST = Past()


def percentile(values: Iterable[float], share: float) -> float | None:
    """The least of ``values`` that ``share`` (0..1) of them do not exceed; None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def flakes_told(tests: Sequence[str], past: Past) -> list[str]:
    """Each test with its record: ``tests/test_cart.py::test_total (4 of the last 20 runs)``."""
    counted = past.flakes()
    return [
        f"{test} ({counted[test][0]} of the last {counted[test][1]} runs)"
        if test in counted
        else test
        for test in tests
    ]


@dataclass(frozen=True)
class History:
    """The pasts of the checks of one plan, by name."""

    pasts: Mapping[str, Past] = field(default_factory=dict)

    def of(self, name: str) -> Past:
        return self.pasts.get(name, NO_PAST)

    def likelihood(self, name: str) -> float:
        """The chance (0..1) that it does not pass."""
        past = self.of(name)
        assumed = _USUAL_CHANCE * _USUAL_WORTH
        return (past.not_green + assumed) / (len(past.real) + _USUAL_WORTH)

    def cost(self, name: str, check: Check) -> float:
        """Seconds that it takes, usually."""
        real = self.of(name).real
        usual = median(run.seconds for run in real) if real else _USUAL_SECONDS[check.kind]
        return max(_LEAST_SECONDS, usual)


def _tests(text: str) -> set[str]:
    return {line for line in text.split("\n") if line}

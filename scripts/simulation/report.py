"""What a simulated run came to, beside the serial queue and the oracle, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import percentile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulation.changes import Change
    from simulation.queue import Course

_ROWS = ("ours", "serial", "oracle")


@dataclass(frozen=True, slots=True)
class Pace:
    """``throughput``: landed in the time of one verification; ``p50``, ``p95``: arrival to landing."""

    throughput: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Report:
    """Times are in verifications of average length, ``spent`` and ``wasted`` too.

    ``wasted`` went into what neither landed nor was refused upon.
    """

    ours: Pace
    serial: Pace
    oracle: Pace
    landed: int
    refused: int
    clashing: int
    false_bounces: int
    green: float
    verifications: int
    stopped: int
    spent: float
    wasted: float
    merges: int

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    def table(self) -> str:
        lines = [f"{'':8}{'landed per V':>14}{'to serial':>11}{'p50 V':>8}{'p95 V':>8}"]
        for name in _ROWS:
            pace: Pace = getattr(self, name)
            ratio = pace.throughput / self.serial.throughput if self.serial.throughput else 0.0
            lines.append(
                f"{name:8}{pace.throughput:14.2f}{ratio:11.2f}{pace.p50:8.2f}{pace.p95:8.2f}"
            )
        wasted = self.wasted / self.spent if self.spent else 0.0
        fate = f"landed {self.landed}, refused {self.refused} ({self.false_bounces} falsely)"
        work = f"{self.verifications} verifications ({self.stopped} stopped)"
        lines += [
            f"{fate}, conflicting {self.clashing}",
            f"target green {self.green:.2%} of the time",
            f"{work}, {wasted:.1%} of their time wasted; {self.merges} merges",
        ]
        return "\n".join(lines)


def pace(changes: Sequence[Change], landed: Mapping[int, float]) -> Pace:
    if not landed:
        return Pace(0.0, 0.0, 0.0)
    waited = sorted(when - changes[number].arrives for number, when in landed.items())
    took = max(landed.values()) - changes[0].arrives
    return Pace(len(landed) / took, percentile(waited, 0.5), percentile(waited, 0.95))


def report(
    changes: Sequence[Change],
    ours: Course,
    serial: Course,
    oracle: Mapping[int, float],
    *,
    green: float,
) -> Report:
    return Report(
        ours=pace(changes, ours.landed),
        serial=pace(changes, serial.landed),
        oracle=pace(changes, oracle),
        landed=len(ours.landed),
        refused=len(ours.refused),
        clashing=len(ours.clashing),
        false_bounces=ours.false_bounces,
        green=green,
        verifications=ours.started,
        stopped=ours.stopped,
        spent=ours.spent,
        wasted=ours.wasted,
        merges=ours.merges,
    )

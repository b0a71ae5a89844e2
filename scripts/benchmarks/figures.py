"""What was measured, beside what was to be reached, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEADS = ("what", "ours", "bare", "ratio", "to reach")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: ``ours`` and ``bare`` in ``unit``, and the goal in words."""

    what: str
    ours: float
    unit: str
    bare: float | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.bare if self.bare else None

    def cells(self) -> tuple[str, ...]:
        return (
            self.what,
            f"{_shown(self.ours)} {self.unit}",
            "" if self.bare is None else f"{_shown(self.bare)} {self.unit}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            self.goal,
        )


def middle(values: Iterable[float]) -> float:
    return median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all are not above."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def table(figures: Sequence[Figure]) -> str:
    rows = [_HEADS, *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def as_json(figures: Sequence[Figure]) -> str:
    return json.dumps([asdict(figure) | {"ratio": figure.ratio} for figure in figures], indent=2)


def _shown(value: float) -> str:
    if value == int(value):
        return str(int(value))
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"

"""How long a person waits for an answer on the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle
from benchmarks.tasks import instant_plan
from benchmarks.yard import timed, yard

if TYPE_CHECKING:
    from benchmarks.yard import Yard

TIMES = 5
TASKS = 100


def run(runs: int) -> list[Figure]:
    with yard() as place:
        place.clerk("run", str(instant_plan(place, TASKS)), "--merge", "auto")
        times = runs * TIMES
        figures = [
            _figure(place, times, "clerk --help", "at most 0.3 s", "--help"),
            _figure(
                place, times, f"clerk status, {TASKS} tasks, no engine", "at most 0.5 s", "status"
            ),
        ]
        place.clerk("start")
        try:
            with_engine = f"clerk status, {TASKS} tasks, engine"
            figures.append(_figure(place, times, with_engine, "at most 0.5 s", "status"))
        finally:
            place.clerk("stop")
        return figures


def _figure(place: Yard, times: int, what: str, goal: str, *args: str) -> Figure:
    """Beside the start of an interpreter that does nothing."""
    ours, bare = [], []
    for _ in range(times):
        bare.append(timed((sys.executable, "-c", ""), place.path).seconds)
        ours.append(place.clerk(*args).seconds)
    return Figure(what, middle(ours), "s", middle(bare), goal)

"""From a killed engine to the next decision of its successor."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle
from benchmarks.tasks import COUNT, instant_plan
from benchmarks.yard import yard

if TYPE_CHECKING:
    from benchmarks.yard import Yard

PAUSE_SECONDS = 0.005
PATIENCE_SECONDS = 120.0
ANY = "1"
DECIDED = "json_extract(data, '$.to') in ('running', 'merging')"
LANDED = "kind = 'task_merged'"


def run(runs: int) -> list[Figure]:
    took = [_restart() for _ in range(runs)]
    what = f"kill -9 with {COUNT} tasks, to the next decision"
    return [Figure(what, middle(took), "s", goal="at most 2 s")]


def _restart() -> float:
    with yard() as place:
        plan = str(instant_plan(place, COUNT))
        first = place.start("run", plan, "--merge", "auto")
        _wait(place, LANDED, COUNT // 2)
        first.send_signal(signal.SIGKILL)
        first.wait()
        seen = _count(place, ANY)
        began = time.perf_counter()
        second = place.start("run", plan, "--merge", "auto")
        _wait(place, f"{DECIDED} and seq > {seen}", 1)
        took = time.perf_counter() - began
        if second.wait():
            raise SystemExit(f"the second engine ended with {second.returncode}")
        return took


def _wait(place: Yard, condition: str, count: int) -> None:
    due = time.monotonic() + PATIENCE_SECONDS
    while _count(place, condition) < count:
        if time.monotonic() > due:
            raise SystemExit(f"waited in vain for {condition}")
        time.sleep(PAUSE_SECONDS)


def _count(place: Yard, condition: str) -> int:
    """How many events there are, read beside the engine."""
    path = place.state_dir / "clerk.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        try:
            row = store.execute(f"select count(*) from event where {condition}").fetchone()  # noqa: S608 - constants of this file
        except sqlite3.OperationalError:  # the tables are being made
            return 0
    return int(row[0])

"""The merge queue: how fast proven tasks land by each mode, and what landing costs beyond git.

The check only waits, so that what is measured is the queue and not the cores.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle, percentile
from benchmarks.yard import FILES, timed, yard

if TYPE_CHECKING:
    from benchmarks.yard import Yard

COUNT = 16
SLOTS = 2
CHECK_SECONDS = 1.0
MODES = ("serial", "strict", "tip", "auto")
LANDING = "git merge-tree --write-tree main HEAD >/dev/null && git update-ref refs/heads/x main"
"""What git itself takes between a verdict and the move of the target."""


def run(runs: int) -> list[Figure]:
    took = {mode: [_landed(mode) for _ in range(runs)] for mode in MODES}
    serial = middle(seconds for seconds, _ in took["serial"])
    figures = [
        Figure(
            f"{COUNT} proven tasks landed, {mode}, {SLOTS} slots, check {CHECK_SECONDS:g} s",
            middle(seconds for seconds, _ in took[mode]),
            "s",
            serial,
        )
        for mode in MODES
    ]
    delays = [delay for _, each in took["serial"] for delay in each]
    with yard(FILES) as place:
        bare = middle(timed(["sh", "-c", LANDING], place.path).seconds for _ in range(9))
    what = "a candidate's verdict to its landing"
    return [
        *figures,
        Figure(
            f"{what}, p50", percentile(delays, 0.5), "ms", bare * 1000, "at most 30 ms over git"
        ),
        Figure(f"{what}, p95", percentile(delays, 0.95), "ms", bare * 1000),
    ]


def _landed(mode: str) -> tuple[float, list[float]]:
    """The seconds in which all proven tasks landed, and each one's milliseconds from verdict on."""
    with yard(FILES) as place:
        plan = place.plan(
            [_task(number) for number in range(COUNT)],
            parallel=COUNT,
            backlog=COUNT,
            queue={"mode": mode, "slots": SLOTS},
            agents={"instant": {"type": "command", "run": "echo x > f-{task}"}},
            checks={"wait": {"run": f"sleep {CHECK_SECONDS}"}},
        )
        place.clerk("run", str(plan), "--sandbox", "none", CLERK_VERIFY_SLOTS=str(COUNT))
        spent = place.clerk("merge", "--all", CLERK_VERIFY_SLOTS=str(SLOTS))
        place.clerk("stop")
        return spent.seconds, _delays(place)


def _task(number: int) -> dict[str, object]:
    name = f"t{number}"
    return {"id": name, "title": name, "brief": f"Do {name}.", "done_when": ["wait"]}


def _delays(place: Yard) -> list[float]:
    """From the passed verification of each candidate to its landing, in milliseconds."""
    with closing(sqlite3.connect(place.state_dir / "clerk.db")) as base:
        rows = base.execute("SELECT kind, task, at, data FROM event ORDER BY seq").fetchall()
    passed: dict[str, float] = {}
    delays = []
    for kind, task, at, data in rows:
        if kind == "verification_ended" and json.loads(data).get("purpose") == "candidate":
            passed[task] = at
        elif kind == "task_merged" and task in passed:
            delays.append((at - passed[task]) * 1000)
    return delays

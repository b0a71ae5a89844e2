"""A chain of tasks, each after the one before: nothing competes, so that every wait is ours.

The agent and the check write down when they began and ended, by their own clocks.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.yard import timed, yard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.yard import Yard

LENGTH = 60
AGENT = (
    "date +%s.%N > $TIMES/{task}.began; echo x > f-{task}; git add -A; "
    "git commit -qm {task}; date +%s.%N > $TIMES/{task}.ended"
)
CHECK = "date +%s.%N >> $TIMES/checks; test -s src0/file0.txt"


@dataclass(frozen=True, slots=True)
class Chain:
    """Milliseconds, one per task, and what git alone takes for the same steps.

    ``overhead`` is what verifying a branch takes over the commands of its checks; ``commands``
    counts checks that ran beyond one for each task and one for the baseline.
    """

    to_check: Sequence[float]
    to_dependent: Sequence[float]
    cached: Sequence[float]
    overhead: Sequence[float]
    commands: int
    git_to_check: float
    git_to_dependent: float


def measured() -> Chain:
    with yard() as place:
        times = place.home / "times"
        times.mkdir()
        place.clerk("run", str(_plan(place, times)), "--merge", "auto")
        checks = sorted(float(line) for line in (times / "checks").read_text().split())
        events = place.events()
        merged = {e["task"]: e["at"] for e in events if e["kind"] == "task_merged"}
        began = {name: float((times / f"{name}.began").read_text()) for name in merged}
        ended = {name: float((times / f"{name}.ended").read_text()) for name in merged}
        names = [f"t{number}" for number in range(LENGTH)]
        follows = itertools.pairwise(names)
        return Chain(
            to_check=[1000 * (_next(checks, ended[name]) - ended[name]) for name in names],
            to_dependent=[1000 * (began[after] - merged[name]) for name, after in follows],
            cached=[1000 * seconds for seconds in _verified(events, "candidate").values()],
            overhead=_overhead(events),
            commands=len(checks) - LENGTH - 1,
            git_to_check=_median_ms(place, _GIT_TO_CHECK),
            git_to_dependent=_median_ms(place, _GIT_TO_DEPENDENT),
        )


def _plan(place: Yard, times: Path) -> Path:
    tasks = [
        {"id": f"t{n}", "title": f"t{n}", "brief": "x", "done_when": ["there"]}
        | ({"after": [f"t{n - 1}"]} if n else {})
        for n in range(LENGTH)
    ]
    return place.plan(
        tasks,
        agents={"instant": {"type": "command", "run": AGENT}},
        checks={"there": {"run": CHECK}},
        worktree={"env": {"TIMES": str(times)}},
    )


def _next(moments: Sequence[float], after: float) -> float:
    return next(moment for moment in moments if moment >= after)


def _verified(events: Sequence[dict], purpose: str) -> dict[str, float]:
    """The seconds of each task's verification for ``purpose``."""
    ended = [e for e in events if e["kind"] == "verification_ended"]
    return {e["task"]: e["data"]["seconds"] for e in ended if e["data"]["purpose"] == purpose}


def _overhead(events: Sequence[dict]) -> list[float]:
    ran = {e["task"]: e["data"]["seconds"] for e in events if e["kind"] == "check_ended"}
    whole = _verified(events, "branch")
    return [1000 * (whole[task] - seconds) for task, seconds in ran.items()]


# The least that must happen in between: look at what was left, keep the head, check it out clean.
_GIT_TO_CHECK = (
    "git -C ../bare-tree status --porcelain",
    "git update-ref refs/keep/x main",
    "git -C ../bare-tree checkout -q --force --detach main",
    "git -C ../bare-tree clean -ffdxq",
)
_GIT_TO_DEPENDENT = ("git worktree remove --force ../bare-tree", "git worktree add -q ../bare-tree")


def _median_ms(place: Yard, lines: Sequence[str]) -> float:
    if not (place.home / "bare-tree").exists():
        timed(("git", "worktree", "add", "-q", "../bare-tree"), place.path)
    spent = []
    for _ in range(21):
        began = time.perf_counter()
        for line in lines:
            timed(line.split(), place.path)
        spent.append(1000 * (time.perf_counter() - began))
    return sorted(spent)[len(spent) // 2]

"""Many tasks with instant agents: what everything but the agents costs, beside a bare loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle
from benchmarks.yard import FILES, Spent, timed, yard

if TYPE_CHECKING:
    from benchmarks.yard import Yard

COUNT = 100
PARALLEL = 4
AGENT = "echo x > f-$task"
CHECKS = {"there": {"run": "test -s src0/file0.txt"}}
LOOP = Path(__file__).with_name("bare_loop.sh")


def run(runs: int) -> list[Figure]:
    ours, confined, bare = [], [], []
    for _ in range(runs):
        bare.append(bare_loop(COUNT))
        ours.append(all_landed(COUNT))
        confined.append(all_landed(COUNT, sandbox="auto"))
    return [
        Figure(
            f"{COUNT} tasks landed, sandboxed, wall",
            middle(spent.seconds for spent in confined),
            "s",
            middle(spent.seconds for spent in bare),
            "at most 3x",
        ),
        Figure(
            f"{COUNT} tasks landed, wall",
            middle(spent.seconds for spent in ours),
            "s",
            middle(spent.seconds for spent in bare),
            "at most 2x",
        ),
        Figure(
            f"{COUNT} tasks landed, processor",
            middle(spent.cpu for spent in ours),
            "s",
            middle(spent.cpu for spent in bare),
        ),
    ]


def all_landed(count: int, *, sandbox: str = "none") -> Spent:
    """What ``clerk run`` takes until ``count`` tasks are verified, landed and tidied up."""
    with yard(FILES) as place:
        words = ("--merge", "auto", "--sandbox", sandbox)
        spent = place.clerk("run", str(instant_plan(place, count)), *words)
        require_landed(place, count)
        return spent


def bare_loop(count: int, *, files: int = FILES, agent: str = AGENT) -> Spent:
    with yard(files) as place:
        spent = timed([str(LOOP), str(count), str(PARALLEL), agent], place.path)
        require_landed(place, count)
        return spent


def instant_plan(place: Yard, count: int, *, agent: str = AGENT) -> Path:
    """``agent`` is a shell line that finds its task's name in ``$task``."""
    tasks = [_task(f"t{number}") for number in range(count)]
    agents = {"instant": {"type": "command", "run": f"task={{task}}; {agent}"}}
    return place.plan(tasks, parallel=PARALLEL, agents=agents, checks=CHECKS)


def _task(name: str) -> dict[str, object]:
    return {"id": name, "title": name, "brief": f"Do {name}.", "done_when": ["there"]}


def require_landed(place: Yard, count: int) -> None:
    landed = int(place.git("rev-list", "--count", "--first-parent", "main")) - 1
    if landed != count:
        raise SystemExit(f"only {landed} of {count} tasks landed: the figures mean nothing")

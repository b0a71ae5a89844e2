"""The dashboard on a large site: first paint, keys, and the processor, in a real terminal."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from benchmarks.busy_site import SESSIONS
from benchmarks.figures import Figure, middle, percentile
from benchmarks.terminal import PATIENCE_SECONDS, Terminal, cpu_seconds, terminal
from benchmarks.yard import CLERK, environment, yard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.yard import Yard

TASKS = 500
RATE = 100
SECONDS = 10.0
KEYS = 12
TITLE = "Numbered piece of work"
_SETTLE_SECONDS = 3.0
_PAUSE_SECONDS = 0.5


def run(runs: int) -> list[Figure]:
    what = f"dashboard, {TASKS} tasks"
    busy = f"{what}, {RATE} events/s"
    told = [_measured() for _ in range(runs)]
    keys = [took for one in told for took in one.keys]
    paints = ((one.paint, one.paint_cpu) for one in told)
    paint, paint_cpu = (middle(values) for values in zip(*paints, strict=True))
    return [
        Figure(f"{what}: start to first paint", paint, "s", goal="at most 1 s"),
        Figure(f"{what}: start to first paint, processor", paint_cpu, "s"),
        Figure(
            f"{what}, idle: processor", middle(one.idle for one in told), "%", goal="at most 2 %"
        ),
        Figure(f"{busy}: processor", middle(one.busy for one in told), "%"),
        Figure(f"{busy}: processor of the engine", middle(one.engine for one in told), "%"),
        Figure(f"{busy}: a key, median", middle(keys) * 1000, "ms", goal="at most 100 ms"),
        Figure(f"{busy}: a key, p95", percentile(keys, 0.95) * 1000, "ms", goal="at most 100 ms"),
    ]


@dataclass(frozen=True, slots=True)
class _Measured:
    """One dashboard's life: seconds, and per cents of a core."""

    paint: float
    paint_cpu: float
    idle: float
    busy: float
    engine: float
    keys: tuple[float, ...]


def _measured() -> _Measured:
    with (
        yard() as place,
        _site(place) as site,
        terminal([*CLERK, "dashboard"], place.path) as screen,
    ):
        paint = screen.until(TITLE)
        paint_cpu = screen.cpu()
        screen.idle(_SETTLE_SECONDS)
        idle = _share(screen)
        site.say(RATE)
        screen.idle(_SETTLE_SECONDS)
        before = site.cpu()
        busy = _share(screen)
        engine = (site.cpu() - before) / SECONDS * 100
        return _Measured(paint, paint_cpu, idle, busy, engine, tuple(_keys(screen)))


def _keys(screen: Terminal) -> list[float]:
    """How long keys of all kinds take: moving, help and back, the filter and back."""
    took = [screen.press("G", TITLE)]
    took += [screen.press(key, TITLE) for key in "kj" * KEYS]
    for _ in range(KEYS // 4):
        took.append(screen.press("?", "Keys and marks"))
        took.append(screen.press("q", TITLE))
        took.append(screen.press("/", "ilter:"))
        took.append(screen.press("9", TITLE))
        screen.press("\x7f", TITLE)
        screen.idle(_PAUSE_SECONDS)
        screen.press("\r", TITLE)
        screen.idle(_PAUSE_SECONDS)
    return took


def _share(screen: Terminal) -> float:
    before = screen.cpu()
    screen.idle(SECONDS)
    return (screen.cpu() - before) / SECONDS * 100


class _Site:
    """The engine, and a pipe to tell it how busy it is."""

    def __init__(self, process: subprocess.Popen[str], orders: IO[str]) -> None:
        self._process = process
        self._orders = orders

    def say(self, rate: int) -> None:
        self._orders.write(f"{rate}\n")
        self._orders.flush()

    def cpu(self) -> float:
        return cpu_seconds(self._process.pid)


@contextmanager
def _site(place: Yard) -> Iterator[_Site]:
    tasks = [
        {
            "id": f"t{number}",
            "title": f"Session {number}" if number < SESSIONS else f"{TITLE} {number}",
            "brief": "work",
            "done_when": ["unit", "e2e", "lint"],
        }
        for number in range(TASKS)
    ]
    checks = {name: {"kind": name, "run": "true"} for name in ("unit", "e2e", "lint")}
    agents = {"instant": {"type": "command", "run": "true"}}
    plan = place.plan(tasks, parallel=64, agents=agents, checks=checks)
    argv = [sys.executable, "-m", "benchmarks.busy_site", str(place.path), str(plan)]
    process = subprocess.Popen(
        argv,
        env=environment() | {"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise SystemExit("the busy site has no pipes")
    try:
        if process.stdout.readline() != "ready\n":
            raise SystemExit("the busy site did not start")
        yield _Site(process, process.stdin)
    finally:
        process.stdin.close()
        process.wait(PATIENCE_SECONDS)

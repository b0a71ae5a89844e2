"""The dashboard on a large site: first paint, keys, and the processor, in a real terminal."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle, percentile
from benchmarks.terminal import PATIENCE_SECONDS, Terminal, terminal
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
    paints, keys, idle, load, engine = [], [], [], [], []
    for _ in range(runs):
        with yard() as place, _site(place) as site:
            with terminal([*CLERK, "dashboard"], place.path) as screen:
                paints.append(screen.until(TITLE))
                screen.idle(_SETTLE_SECONDS)
                idle.append(_share(screen))
                _say(site, RATE)
                screen.idle(_SETTLE_SECONDS)
                before = _cpu_of(site)
                load.append(_share(screen))
                engine.append((_cpu_of(site) - before) / SECONDS * 100)
                keys += _keys(screen)
    return [
        Figure(f"{what}: start to first paint", middle(paints), "s", goal="at most 1 s"),
        Figure(f"{what}, idle: processor", middle(idle), "%", goal="at most 2 %"),
        Figure(f"{busy}: processor", middle(load), "%"),
        Figure(f"{busy}: processor of the engine", middle(engine), "%"),
        Figure(f"{busy}: a key, median", middle(keys) * 1000, "ms", goal="at most 100 ms"),
        Figure(f"{busy}: a key, p95", percentile(keys, 0.95) * 1000, "ms", goal="at most 100 ms"),
    ]


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


def _say(site: subprocess.Popen[str], rate: int) -> None:
    assert site.stdin is not None
    site.stdin.write(f"{rate}\n")
    site.stdin.flush()


def _cpu_of(site: subprocess.Popen[str]) -> float:
    return Terminal(site, -1).cpu()  # type: ignore[arg-type]


@contextmanager
def _site(place: Yard) -> Iterator[subprocess.Popen[str]]:
    tasks = [
        {"id": f"t{n}", "title": f"{TITLE} {n}" if n > 40 else f"Session {n}", "brief": "work",
         "done_when": ["unit", "e2e", "lint"]}
        for n in range(TASKS)
    ]  # fmt: skip
    checks = {name: {"kind": name, "run": "true"} for name in ("unit", "e2e", "lint")}
    agents = {"instant": {"type": "command", "run": "true"}}
    plan = place.plan(tasks, parallel=64, agents=agents, checks=checks)
    argv = [sys.executable, "-m", "benchmarks.busy_site", str(place.path), str(plan)]
    site = subprocess.Popen(
        argv,
        env=environment() | {"PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert site.stdin is not None
    assert site.stdout is not None
    try:
        if site.stdout.readline() != "ready\n":
            raise SystemExit("the busy site did not start")
        yield site
    finally:
        site.stdin.close()
        site.wait(PATIENCE_SECONDS)

"""What the engine holds while many sessions talk much."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, middle
from benchmarks.yard import yard

if TYPE_CHECKING:
    import subprocess

TASKS = 200
SESSIONS = 32
SECONDS = 15
AGENT = "for i in $(seq 60); do head -c 1000000 /dev/zero | tr '\\0' x | fold -w 100; sleep 1; done"


def run(runs: int) -> list[Figure]:
    peaks, early, late = zip(*(_measured() for _ in range(min(runs, 2))), strict=True)
    what = f"{SESSIONS} sessions of {TASKS} tasks, 1 MB/s each"
    return [
        Figure(f"{what}: peak", middle(peaks), "MB", goal="at most 200 MB"),
        Figure(f"{what}: after {SECONDS // 3} s", middle(early), "MB"),
        Figure(f"{what}: after {SECONDS} s", middle(late), "MB", goal="flat"),
    ]


def _measured() -> tuple[float, float, float]:
    with yard() as place:
        tasks = [
            {"id": f"t{n}", "title": f"t{n}", "brief": "talk", "done_when": ["there"]}
            for n in range(TASKS)
        ]
        agents = {"instant": {"type": "command", "run": AGENT}}
        checks = {"there": {"run": "true"}}
        plan = place.plan(tasks, parallel=SESSIONS, agents=agents, checks=checks)
        engine = place.start("run", str(plan))
        try:
            logs = place.state_dir / "logs" / "bench"
            while len(list(logs.glob("*/1/session.log"))) < SESSIONS:
                _require_running(engine)
                time.sleep(0.1)
            time.sleep(SECONDS / 3)
            early = _megabytes(engine, "VmRSS")
            time.sleep(SECONDS * 2 / 3)
            return _megabytes(engine, "VmHWM"), early, _megabytes(engine, "VmRSS")
        finally:
            engine.send_signal(signal.SIGINT)
            engine.wait()


def _require_running(engine: subprocess.Popen[bytes]) -> None:
    if engine.poll() is not None:
        raise SystemExit(f"the engine ended with {engine.returncode}")


def _megabytes(engine: subprocess.Popen[bytes], field: str) -> float:
    status = Path(f"/proc/{engine.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1000

"""A throw-away repository, and the commands that are measured on it.

Made anew for every run, so that no cache or leftover of an earlier one helps. The environment is
that of a stranger: no configuration, no ``CLERK_`` variable but those a benchmark sets.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MEMORY = Path("/dev/shm")  # noqa: S108 - memory is the point: disks differ more than programs do
FILES = 40
CLERK = (sys.executable, "-m", "orchestrator.cli")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took: wall time, and processor time of it and all it waited for."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Yard:
    """One repository on ``main``, which is not checked out, in a folder of its own."""

    home: Path

    @property
    def path(self) -> Path:
        return self.home / "repo"

    @property
    def state_dir(self) -> Path:
        return self.path / ".git" / "clerk"

    def git(self, *args: str) -> str:
        argv = ["git", "-C", str(self.path), *args]
        done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def plan(self, tasks: Sequence[Mapping[str, Any]], **more: Any) -> Path:
        """A plan file beside the repository; JSON is YAML, and needs no package."""
        plan = {"clerk": 1, "name": "bench", "agent": "instant", **more, "tasks": list(tasks)}
        path = self.home / "plan.yaml"
        path.write_text(json.dumps(plan))
        return path

    def clerk(self, *args: str, **env: str) -> Spent:
        """Run a clerk command to its end, which must be a good one."""
        return timed([*CLERK, *args], self.path, env)

    def start(self, *args: str, **env: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*CLERK, *args],
            cwd=self.path,
            env=environment() | env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def status(self) -> dict[str, Any]:
        argv = [*CLERK, "status", "--json"]
        told = subprocess.run(
            argv, cwd=self.path, env=environment(), capture_output=True, check=True
        )
        answer: dict[str, Any] = json.loads(told.stdout)
        return answer

    def events(self) -> list[dict[str, Any]]:
        """Everything the engine announced, from its store, which a stopped engine leaves."""
        with closing(sqlite3.connect(self.state_dir / "clerk.db")) as store:
            store.row_factory = sqlite3.Row
            rows = store.execute("select * from event order by seq").fetchall()
        return [dict(row) | {"data": json.loads(row["data"])} for row in rows]


@contextmanager
def yard(files: int = FILES) -> Iterator[Yard]:
    """A repository of so many small files; removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="clerk-bench-", dir=place()))
    try:
        made = Yard(home)
        made.path.mkdir()
        made.git("init", "-q", "-b", "main")
        for number in range(files):
            folder = made.path / f"src{number % 4}"
            folder.mkdir(exist_ok=True)
            (folder / f"file{number}.txt").write_text(f"content of {number}\n" * 20)
        made.git("add", "-A")
        made.git("commit", "-qm", "first")
        made.git("checkout", "-q", "--detach")
        yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)


def place() -> Path:
    """Where repositories are made: TMPDIR when set, else memory, else the system's choice."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return Path(tempfile.gettempdir())
    return MEMORY


def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "CLERK_", "PYTHON"))}
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
    }
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "CLERK_SANDBOX": "none"}
    return kept | identity | own


def timed(argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Spent:
    """Run a command that must end well, and say what it took."""
    before, began = _cpu(), time.perf_counter()
    done = subprocess.run(
        argv, cwd=cwd, env=environment() | dict(env or {}), capture_output=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{said[-2000:]}")
    return Spent(seconds, _cpu() - before)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

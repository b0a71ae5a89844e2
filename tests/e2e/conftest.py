"""A real repository, the real command line, and agents that are shell lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
import warm
import yaml
from waiting import LIMIT_SECONDS, is_gone, until_blocking

from orchestrator.api.models import StatusView
from orchestrator.cli.connection import Place
from orchestrator.cli.proofs import Audited, audited
from orchestrator.cli.show import reading
from orchestrator.locks import EngineLock

GIT_ENV = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True)
class Yard:
    """A repository of an architect's, with commands to work on it."""

    path: Path
    home: Path

    @classmethod
    def make(cls, path: Path, *init: str) -> Yard:
        """A fresh repository whose check demands that every .txt file says "good".

        HEAD is detached, so that main is not checked out anywhere and landing needs no leave.
        """
        path.mkdir(parents=True)
        (path.parent / "gates").mkdir(exist_ok=True)
        made = cls(path, path.parent)
        made.git("init", "-q", "-b", "main", *init)
        made.write("check.sh", "! grep -L good *.txt | grep .\n")
        made.write("first.txt", "good\n")
        made.commit("first")
        made.git("checkout", "-q", "--detach")
        return made

    def git(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            env={**os.environ, **GIT_ENV},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr}")
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def plan(self, tasks, checks=None, **more) -> Path:
        """Write a plan outside the repository; ``tasks`` maps an id to a shell line or a dict.

        A list of lines holds one for each attempt, the last one repeats.
        """
        worktree = more.pop("worktree", {})
        env = {"CLERK_SCRIPTS": str(self.home / "scripts"), "GATES": str(self.home / "gates")}
        document = {
            "clerk": 1,
            "name": "p",
            "agent": "sh",
            "agents": {"sh": {"type": "command", "run": "sh $CLERK_SCRIPTS/{task}.{attempt}.sh"}},
            "checks": checks or {"unit": {"run": "sh check.sh"}},
            "worktree": {**worktree, "env": {**env, **worktree.get("env", {})}},
            **more,
        }
        document["tasks"] = [self._task(name, told) for name, told in tasks.items()]
        path = self.home / f"{document['name']}.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def _task(self, name, told):
        told = {"do": told} if isinstance(told, (str, list)) else dict(told)
        lines = told.pop("do")
        lines = [lines] if isinstance(lines, str) else lines
        scripts = self.home / "scripts"
        scripts.mkdir(exist_ok=True)
        for number in range(1, 9):
            line = lines[min(number, len(lines)) - 1]
            (scripts / f"{name}.{number}.sh").write_text(line + "\n")
        return {
            "id": name,
            "title": f"Task {name}",
            "brief": f"Do {name}.",
            "done_when": ["unit"],
            **told,
        }

    @staticmethod
    def command(*args: str) -> list[str]:
        """The command line of a clerk command."""
        return [sys.executable, "-m", "orchestrator.cli", *args]

    def clerk(self, *args: str, code: int | None = 0, cwd: Path | None = None, **env: str):
        """Run a clerk command to its end and demand its exit code."""
        pipe = subprocess.PIPE
        with self._begin(args, env, cwd=cwd or self.path, stdout=pipe, stderr=pipe) as running:
            try:
                out, err = running.communicate(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        if code is not None:
            assert running.returncode == code, f"{args}\n{out}\n{err}"
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def start(self, *args: str, **env: str) -> subprocess.Popen:
        """Start a clerk command and leave it running."""
        pipe = subprocess.PIPE
        return self._begin(args, env, cwd=self.path, stdout=pipe, stderr=subprocess.STDOUT)

    def _begin(self, args: Sequence[str], env: Mapping[str, str], **how) -> subprocess.Popen:
        """Warm where that makes no difference; ``command`` is for those to whom it does."""
        whole = self.env(**env)
        start = warm.Command if warm.fits(whole) else subprocess.Popen
        return start(self.command(*args), env=whole, text=True, **how)

    def env(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "CLERK_"))}
        mine = {"HOME": str(self.home), "GIT_CONFIG_GLOBAL": "/dev/null", "CLERK_SANDBOX": "none"}
        return {**kept, **mine, **more}

    def status(self) -> dict[str, dict]:
        """Every task by its id, as ``clerk status --json`` tells.

        Asked in this process, by what the command itself asks: a command would cost a second.
        """

        async def ask() -> StatusView:
            async with reading(Place(self.state.parent, self.state)) as source:
                return await source.status()

        answer = anyio.run(ask).model_dump(mode="json")
        return {task["id"]: task for plan in answer["plans"] for task in plan["tasks"]}

    def audit(self, revisions: str | None = None) -> list[str]:
        """How each commit of ours stands, the newest first, by what ``clerk audit`` asks."""
        found: list[Audited] = []

        async def ask() -> None:
            found.append(await audited(str(self.path), revisions))

        anyio.run(ask)
        return [str(one.standing) for one in found[0].findings]

    def gate(self, name: str) -> Path:
        """A file by which processes and the test wait for each other."""
        return self.home / "gates" / name

    def waits(self, name: str) -> str:
        """A shell line that tells its process id and goes on when the gate ``name`` is there."""
        return (
            f'echo $$ > "$GATES/{name}.new"; mv "$GATES/{name}.new" "$GATES/{name}.pid"; '
            f'until [ -e "$GATES/{name}" ]; do sleep 0.05; done'
        )

    def begun(self, name: str) -> int:
        """Wait until somebody waits at the gate ``name``; its process id."""
        told = self.gate(f"{name}.pid")
        until_blocking(told.exists)
        return int(told.read_text())

    def prompt(self, task: str, session: int, plan: str = "p") -> str:
        """What a session was told."""
        return (self.state / "logs" / plan / task / str(session) / "prompt.md").read_text()

    @property
    def state(self) -> Path:
        """Where the engine keeps its state."""
        common = self.git("rev-parse", "--path-format=absolute", "--git-common-dir")
        return Path(common) / "clerk"

    @property
    def holder(self):
        """Who holds the engine's lock; None when no engine runs."""
        return EngineLock(self.state / "lock").holder()

    def api(self) -> httpx.Client:
        """The running engine's own door."""
        transport = httpx.HTTPTransport(uds=self.holder.socket)
        return httpx.Client(transport=transport, base_url="http://clerk", trust_env=False)

    def until(self, task: str, *states: str) -> dict:
        """Wait until the running engine has ``task`` in one of ``states``; the task."""
        found: dict = {}
        with self.api() as api:

            def there() -> bool:
                plans = api.get("/v1/status").json()["plans"]
                tasks = (t for p in plans for t in p["tasks"] if t["id"] == task)
                found.update(next(tasks, {}))  # none while the plan is not in yet
                return found.get("state") in states

            until_blocking(there)
        return found

    def end_engine(self) -> None:
        """End a background engine that a command has started."""
        holder = self.holder
        if holder is not None and holder.pid:
            os.kill(holder.pid, signal.SIGTERM)
            until_blocking(lambda: is_gone(holder.pid))

    def first_parents(self, branch: str = "main") -> list[str]:
        return self.git("log", "--first-parent", "--format=%H", "--reverse", branch).split()

    def passes(self, commit: str, line: str = "sh check.sh") -> bool:
        """Whether a check passes on a commit, checked out and run by hand."""
        place = self.home / "by-hand" / commit
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            self.git("worktree", "add", "-f", "--detach", str(place), commit)
        return subprocess.run(["sh", "-c", line], cwd=place, check=False).returncode == 0


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """A yard, and no engine in it when the test is over."""
    made = Yard.make(tmp_path / "a repo")
    yield made
    made.end_engine()

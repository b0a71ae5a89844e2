"""Where a scene is played: a throw-away repository, a plan, and the ``clerk`` command line.

The engine is started as a user starts it, in a process of its own with a home of its own, so that
neither the user's settings nor their repositories can change what is seen.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from orchestrator.api.models import StatusView
from orchestrator.errors import CannotRun
from orchestrator.sandboxes.toolchain import program_paths
from orchestrator.selftest import process_table
from orchestrator.selftest.canaries import Canaries
from orchestrator.selftest.tests_first import MARKED
from orchestrator.selftest.traces import ACTING, Traces, title_of
from orchestrator.supervision import process
from orchestrator.supervision.job import Job
from orchestrator.supervision.process import supervise

if TYPE_CHECKING:
    from orchestrator.selftest.case import Act
    from orchestrator.selftest.scene import Scene
    from orchestrator.supervision.job import Exit

PLAN = "selftest"
RUN_SECONDS = 90.0
"""No scene takes a third of it on an idle machine."""

ENGINE = (sys.executable, "-m", "orchestrator.cli")

_MOST_SESSIONS = 4

React = Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]]

_PYTHON = Path(sys.executable).resolve()
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Self-test"), ("EMAIL", "selftest@localhost"))
}
_FILES = {
    "work/first.txt": "good\n",
    "tests/works.sh": (
        "for file in work/*.txt; do\n"
        '  grep -q good "$file" || { echo "$file is not good"; exit 1; }\ndone\n'
    ),
    "tests/together.sh": (
        "test ! -e work/left.txt || test ! -e work/right.txt || { echo 'both sides'; exit 1; }\n"
        "test ! -e work/meanwhile.txt || test ! -e work/clash.txt || { echo clash; exit 1; }\n"
        "test ! -e work/meanwhile.txt || test ! -e work/before.txt || sleep 2\n"
    ),
    "suite.sh": (
        "wrong=0; grep -qs bad work/forged-report.txt && wrong=1\n"
        "failure=; [ $wrong = 0 ] || failure='<failure message=\"it is bad\"/>'\n"
        'echo "<testsuite tests=\\"1\\" failures=\\"$wrong\\"><testcase name=\\"works\\">$failure'
        '</testcase></testsuite>" > "$1"\n'
    ),
    "tool": "exit 0\n",
    "spec.sh": (
        "wrong=0; cases=\n"
        "for file in spec/*.sh; do\n"
        '  test -e "$file" || continue; name=$(basename "$file" .sh); became=; code=0\n'
        f'  if grep -qsx "$name" {MARKED} || grep -q "# skip" "$file"; then became="<skipped/>"\n'
        '  else sh "$file" || code=$?; fi\n'
        "  if [ $code = 99 ]; then became=\"<error message='it broke'/>\"\n"
        "  elif [ $code != 0 ]; then became=\"<failure message='it said no'/>\"; fi\n"
        "  [ $code = 0 ] || wrong=1\n"
        "  cases=\"$cases<testcase classname='spec' name='$name'>$became</testcase>\"\n"
        'done; echo "<testsuite>$cases</testsuite>" > "$1"; exit $wrong\n'
    ),
}
_CHECKS = {
    "unit": {"run": 'for test in tests/*.sh; do sh "$test" || exit 1; done'},
    "suite": {"run": "sh suite.sh {report}", "report": "junit"},
    "spec": {"run": "sh spec.sh {report}", "report": "junit"},
    "tool": {"run": "test -e tool || exit 127; sh tool"},
}


class Stage:
    """One scene in the folder ``folder``, which must be empty."""

    def __init__(self, scene: Scene, folder: Path, sandbox: str) -> None:
        self._scene = scene
        self._folder = folder
        self._sandbox = sandbox
        self.repository = folder / "repository"
        self._canaries = Canaries(folder, self.repository)
        self._acts = {task: act for case in scene.cases for task, act in case.acts.items()}
        start = secrets.randbelow(8 * 10**8) + 10**8
        self.marks = {task: str(start + number) for number, task in enumerate(self._acts)}
        self.notes: dict[str, str] = {}
        self._events: list[Mapping[str, Any]] = []
        self._survivors: dict[str, tuple[int, ...]] = {}
        self._engine = self._peak = 0
        self._shown = b""

    async def play(self) -> Traces:
        """The whole scene. Raises CannotRun when it cannot be played here."""
        try:
            await self._build()
            await self._scene.course(self)
            return await self._traces()
        finally:
            self._canaries.close()

    async def run(
        self,
        *,
        merge: str = "auto",
        env: Mapping[str, str] | None = None,
        react: React | None = None,
    ) -> Exit:
        """``clerk run`` to its end; ``react`` is told every event."""
        words = ("run", "plan.json", "--json", "--merge", merge, "--sandbox", self._sandbox)
        log = self._folder / "run.log"
        async with anyio.create_task_group() as reactions:

            def hear(line: str) -> None:
                event = _event(line)
                if event is not None:
                    self._observe(event)
                    if react is not None:
                        reactions.start_soon(react, event)

            job = Job(
                argv=(*ENGINE, *words),
                cwd=self.repository,
                env={**self._environment(), **(env or {})},
                cookie=f"selftest.{self._scene.name}",
                log=log,
                wall_seconds=RUN_SECONDS,
            )
            ended = await supervise(job, hear)
        self._require_begun(ended, log)
        return ended

    async def show(self, *words: str) -> None:
        """What a person sees by a command that only reads."""
        self._shown += await self._clerk(*words)

    async def commit(self, path: str, subject: str) -> None:
        """A commit by a person on the target."""
        await self._git("checkout", "-q", "main")
        self._write(path, "good\n")
        await self._git("add", "-A")
        await self._git("commit", "-qm", subject)
        await self._git("checkout", "-q", "--detach")

    async def _build(self) -> None:
        self.repository.mkdir(parents=True)
        await self._git("init", "-q", "-b", "main")
        for path, text in _FILES.items():
            self._write(path, text)
        for task, act in self._acts.items():
            for number in range(1, _MOST_SESSIONS + 1):
                text = act.sessions[min(number, len(act.sessions)) - 1]
                text = f"echo {ACTING}\n{text.replace('{mark}', self.marks[task])}"
                self._write(f"acts/{task}.{number}.sh", text)
        self._canaries.place()
        self._write("plan.json", json.dumps(self._plan(), indent=1))
        await self._git("add", "-A")
        await self._git("commit", "-qm", "what there is")
        await self._git("checkout", "-q", "--detach")
        self._canaries.remember()

    def _plan(self) -> dict[str, Any]:
        run = "exec sh acts/{task}.{attempt}.sh {prompt_file}"
        needs = {"paths": [str(path) for path in program_paths(_PYTHON)]}
        agents = {
            "agent": {"type": "command", "run": run, "needs": needs},
            "lingerer": {"type": "orchestrator.selftest.last_word:LastWord", "run": run},
        }
        return {
            "clerk": 1,
            "name": PLAN,
            "parallel": 6,
            "agent": "agent",
            "agents": agents,
            "budget": {"attempts": 1, "wall": "60s", "idle": "30s"},
            "worktree": {"env": {"PYTHON": str(_PYTHON), **self._canaries.told}},
            "checks": _CHECKS,
            "protect": ["tests/**", "**/conftest.py", "suite.sh", "spec.sh"],
            "tasks": [_task(task, act) for task, act in self._acts.items()],
        }

    def _observe(self, event: Mapping[str, Any]) -> None:
        self._events.append(event)
        if event["kind"] == "engine_started":
            self._engine = int(event["message"].split()[1])
        task = event.get("task", "")
        if event["kind"] == "task_changed" and event["data"].get("from") == "running":
            self._survivors[task] = process_table.living_with(self.marks[task])
            self._peak = max(self._peak, process_table.peak_of(self._engine))

    def _require_begun(self, ended: Exit, log: Path) -> None:
        if not any(event["kind"] == "plan_started" for event in self._events):
            said = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
            raise CannotRun(said[-1] if said else ended.error or "clerk run said nothing")

    async def _traces(self) -> Traces:
        status = StatusView.model_validate_json(await self._clerk("status", "--json"))
        subjects = await self._git("log", "--first-parent", "--format=%s", "main")
        target = await self._git("ls-tree", "-r", "--name-only", "main")
        return Traces(
            repository=self.repository,
            tasks={task.id: task for plan in status.plans for task in plan.tasks},
            events=tuple(self._events),
            subjects=subjects.splitlines(),
            target=frozenset(target.splitlines()),
            survivors=self._survivors,
            moved=self._canaries.moved(),
            heard=self._canaries.heard(),
            shown=self._shown,
            engine_peak=self._peak,
            notes=self.notes,
        )

    def _write(self, path: str, text: str) -> None:
        place = self.repository / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, "utf-8")

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "CLERK_"))}
        return {**kept, **self._canaries.owners_environment, **self._scene.settings}

    async def _clerk(self, *words: str) -> bytes:
        done = await process.run((*ENGINE, *words), cwd=self.repository, env=self._environment())
        return done.stdout + done.stderr if done.code else done.stdout

    async def _git(self, *words: str) -> str:
        env = {"PATH": os.environ.get("PATH", os.defpath), **_IDENTITY, "GIT_CONFIG_NOSYSTEM": "1"}
        argv = ("git", "-c", "core.hooksPath=/dev/null", *words)
        done = await process.run(argv, cwd=self.repository, env=env)
        if done.code:
            raise CannotRun(f"git {words[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout.decode("utf-8", "replace")


def _task(name: str, act: Act) -> dict[str, Any]:
    return {
        "id": name,
        "title": title_of(name),
        "brief": f"Write work/{name}.txt.",
        "done_when": ["unit"],
        **act.more,
    }


def _event(line: str) -> Mapping[str, Any] | None:
    """What a line of NDJSON tells; None for the last one, which is no event."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "data" in event else None

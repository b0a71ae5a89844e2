"""What confinement costs: a start in each sandbox, a private view, an import; beside bare git.

Each start runs ``true`` in the enclosure of a real session. The import brings one commit home; the
bare one is ``pack-objects`` into ``index-pack`` of the same commit.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from benchmarks.figures import Figure, middle, percentile
from benchmarks.yard import environment, yard
from orchestrator import executors, sandboxes
from orchestrator.borders.enclosures import Enclosures, enclosures_of
from orchestrator.borders.homecoming import Homecoming
from orchestrator.environment import confined_environment
from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository
from orchestrator.sandboxes.choice import why_not
from orchestrator.supervision.job import Job
from orchestrator.supervision.process import supervise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.yard import Yard
    from orchestrator.borders.enclosures import Enclosed
    from orchestrator.git.command import WorkTree
    from orchestrator.sandboxes import Sandbox

STARTS = 20
IMPORTS = 5
NAMES = ("bubblewrap", "landlock")
GOAL_START = "at most 25 ms over a bare start"
GOAL_IMPORT = "at most 120 ms over bare git"


def run(runs: int) -> list[Figure]:
    with yard() as made:
        made.home.chmod(0o711)  # a job that is another user walks through it
        return anyio.run(_measured, made, runs)


async def _measured(made: Yard, runs: int) -> list[Figure]:
    with OpenRepository(Repository.discover(made.path)) as git:
        scene = Scene(made, git)
        tree = await git.worktrees.create("bench", "task", made.git("rev-parse", "main"))
        return [
            *await scene.imports(tree, IMPORTS * runs),
            *await scene.starts(tree, STARTS * runs),
        ]


@dataclass(frozen=True, slots=True)
class Scene:
    """A repository with the parts of an engine that are measured on it."""

    yard: Yard
    git: OpenRepository

    @property
    def enclosures(self) -> Enclosures:
        return Enclosures(self.git.views, enclosures_of(self.yard.state_dir), self.yard.home)

    async def enclosed(self, sandbox: Sandbox, tree: WorkTree) -> Enclosed:
        who, branch = "bench/task", "clerk/bench/task"
        made = await self.enclosures.of_session(sandbox, tree, who=who, branch=branch, lent=())
        await made.confinement.make_over()
        return made

    async def starts(self, tree: WorkTree, times: int) -> list[Figure]:
        bare = await self._start("none", tree, times)
        figures = _both("a bare start", bare, None, "")
        for name in NAMES:
            if not await why_not(name):
                figures += _both(
                    f"a start in {name}", await self._start(name, tree, times), bare, GOAL_START
                )
        return figures

    async def _start(self, name: str, tree: WorkTree, times: int) -> list[float]:
        made = await self.enclosed(sandboxes.load(name), tree)
        env = confined_environment(environment())
        job = Job(("true",), tree.path, env, "bench")
        took: list[float] = []
        for _ in range(times):
            with timing(took):
                ended = await supervise(made.confinement.wrap(job))
            if not ended.ok:
                raise SystemExit(f"a start in {name} failed: {ended}")
        return took

    async def imports(self, tree: WorkTree, times: int) -> list[Figure]:
        sandbox = sandboxes.load("bubblewrap")
        home = Homecoming(self.git, self.enclosures, executors.load("local"))
        views: list[float] = []
        ours: list[float] = []
        bare: list[float] = []
        for number in range(times):
            with timing(views):
                made = await self.enclosed(sandbox, tree)
            if made.view is None:
                raise SystemExit("the sandbox confines nothing")
            await self._commit(made, tree, number)
            base = self.yard.git("rev-parse", "clerk/bench/task")
            with timing(ours):
                await home.bring(
                    made.view,
                    tree,
                    sandbox=sandbox,
                    plan="bench",
                    task="task",
                    branch="clerk/bench/task",
                    base=base,
                    env=confined_environment(environment()),
                )
            if self.yard.git("rev-parse", "clerk/bench/task~1") != base:
                raise SystemExit("the import brought nothing home")
            with timing(bare):
                self._bare_import(base)
        return [
            *_both("a private view, made and made over", views, None, ""),
            *_both("an import", ours, bare, GOAL_IMPORT),
        ]

    async def _commit(self, made: Enclosed, tree: WorkTree, number: int) -> None:
        line = f"echo {number} >new.txt; git add -A; git commit -qm {number}"
        job = Job(("sh", "-c", line), tree.path, environment(), "bench")
        ended = await supervise(made.confinement.wrap(job))
        if not ended.ok:
            raise SystemExit(f"a commit in the sandbox failed: {ended}")

    def _bare_import(self, base: str) -> None:
        line = (
            'git pack-objects --revs --stdout --thin -q <"$0" | '
            "git index-pack --stdin --fix-thin --strict >/dev/null"
        )
        wanted: Path = self.yard.home / "wanted"
        wanted.write_text(f"clerk/bench/task\n^{base}\n")
        argv = ["sh", "-c", line, str(wanted)]
        subprocess.run(argv, cwd=self.yard.path, env=environment(), check=True)


@contextmanager
def timing(took: list[float]) -> Iterator[None]:
    """Adds the milliseconds until it is left."""
    began = time.perf_counter()
    yield
    took.append((time.perf_counter() - began) * 1000)


def _both(what: str, ours: list[float], bare: list[float] | None, goal: str) -> list[Figure]:
    return [
        Figure(f"{what}, median", middle(ours), "ms", middle(bare) if bare else None, goal),
        Figure(
            f"{what}, p95", percentile(ours, 0.95), "ms", percentile(bare, 0.95) if bare else None
        ),
    ]

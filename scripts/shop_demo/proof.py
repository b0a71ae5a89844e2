"""What the target is worth, found out by hand: every commit checked out, every promise checked.

At each first-parent commit of ``main`` all checks hold that were asked of any task landed so
far, not only those of the task that landed there. Works in a clone of its own and never writes
to the repository it judges.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shop_demo.git import environment, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Landed:
    """One first-parent commit; ``task`` is empty where a person made it."""

    commit: str
    task: str
    title: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Which checks hold at a commit, and which do not."""

    landed: Landed
    green: tuple[str, ...]
    red: tuple[str, ...]


def history(repository: Path) -> list[Landed]:
    """The first-parent commits of ``main``, oldest first."""
    shown = "--format=%H%x09%(trailers:key=Clerk-Task,valueonly,separator=%x2C)%x09%s"
    lines = git(repository, "log", "--first-parent", "--reverse", shown, "main").splitlines()
    return [Landed(*line.split("\t", 2)) for line in lines]


class Bench:
    """A clone in ``folder`` in which commits are checked out, each in a place of its own."""

    def __init__(self, repository: Path, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.clone = folder / "clone"
        git(folder, "clone", "--quiet", "--no-checkout", str(repository), str(self.clone))

    def checkout(self, commit: str) -> Path:
        place = self.folder / commit
        git(self.clone, "worktree", "add", "--quiet", "--detach", str(place), commit)
        return place

    def holds(self, check: str, tree: Path) -> bool:
        """Whether a check of the plan passes in a checked out tree; its output is dropped."""
        report = self.folder / f"{tree.name}.{check}.xml"
        command = self.plan.checks[check].run.replace("{report}", shlex.quote(str(report)))
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tree,
            env=environment() | self.plan.worktree.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode == 0


def prove(repository: Path, bench: Bench) -> Iterator[Proof]:
    """A proof of each first-parent commit, oldest first."""
    promises = {task.id: task.done_when for task in bench.plan.tasks}
    asked = [name for name in bench.plan.checks if all(name in each for each in promises.values())]
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        for landed in history(repository):
            asked += [name for name in promises.get(landed.task, ()) if name not in asked]
            tree = bench.checkout(landed.commit)
            held = list(workers.map(bench.holds, asked, [tree] * len(asked)))
            yield Proof(
                landed,
                green=tuple(name for name, holds in zip(asked, held, strict=True) if holds),
                red=tuple(name for name, holds in zip(asked, held, strict=True) if not holds),
            )

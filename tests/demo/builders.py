"""What replayed agents do and what an engine does with it, by plain git and python alone.

So the demo's material is proven without the engine it is there to show.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from shop_demo.git import environment, git
from shop_demo.sample import PLAN, SHOP

from orchestrator.plan.model import Plan

PATCHES = SHOP / "patches"
THE_PLAN = Plan.model_validate(yaml.safe_load(PLAN.read_text(encoding="utf-8")))
SCRIPT: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (SHOP / "replay.yaml").read_text(encoding="utf-8")
)["tasks"]

MODULES = re.compile(r"\{report\} (.+)")


def listed(value: str | list[str] | None) -> list[str]:
    """What the script may give as one text or as several."""
    return [value] if isinstance(value, str) else value or []


def modules_of(check: str) -> list[str]:
    """The test modules that a check of the plan runs."""
    found = MODULES.search(THE_PLAN.checks[check].run)
    assert found
    return found[1].split()


@dataclass(frozen=True)
class Site:
    """One repository that everything happens in, a branch a task."""

    folder: Path

    def git(self, *args: str, check: bool = True) -> str:
        return git(self.folder, *args, check=check)

    def start(self, task: str, base: str = "main") -> None:
        self.git("switch", "--quiet", "--create", task, base)

    def attempt(self, task: str, number: int) -> None:
        """Play one entry of the replay script in the work tree, and keep what it left."""
        entry = SCRIPT[task][number - 1]
        for patch in listed(entry.get("patch")):
            self.git("apply", "--3way", "--whitespace=nowarn", str(SHOP / patch))
        for command in listed(entry.get("run")):
            self.shell(command)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={task}, attempt {number}")

    def shell(self, command: str) -> None:
        script_folder = {"CLERK_SCRIPT_DIR": str(SHOP)}
        subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=environment() | script_folder, check=True
        )

    def build(self, task: str, base: str = "main") -> None:
        """A branch with the first attempt on it."""
        self.start(task, base)
        self.attempt(task, 1)

    def merge(self, branch: str) -> bool:
        """Merge into what is checked out; False leaves the conflict in the work tree."""
        self.git("merge", "--quiet", "--no-ff", "--no-edit", branch, check=False)
        return not self.git("ls-files", "--unmerged")

    def land(self, task: str) -> None:
        """Put a branch on main, with the trailer the engine would write."""
        self.git("switch", "--quiet", "main")
        message = f"{task} lands\n\nClerk-Task: {task}"
        self.git("merge", "--quiet", "--no-ff", f"--message={message}", task)

    def red(self, *checks: str) -> set[str]:
        """Those of the plan's checks that fail on what is checked out.

        All are tried in one process first, since starting processes is most of what they cost.
        """
        together = [module for check in checks for module in modules_of(check)]
        if len(checks) > 1 and self.junit(*together).returncode == 0:
            return set()
        return {check for check in checks if self.run(check).returncode}

    def run(self, check: str) -> subprocess.CompletedProcess[str]:
        return self.junit(*modules_of(check))

    def junit(self, *modules: str) -> subprocess.CompletedProcess[str]:
        """Run test modules; returns only when nobody holds their output, a server included."""
        return subprocess.run(
            ["python3", "-W", "error", "-m", "tools.junit", os.fspath(self.report), *modules],
            cwd=self.folder,
            env=environment() | THE_PLAN.worktree.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def report(self) -> Path:
        return self.folder.parent / "report.xml"

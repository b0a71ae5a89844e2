"""Going to where an agent works: its worktree in an editor or a shell, its branch's name.

The command has the terminal for itself until it ends. It runs with the person's own rights and
settings, in a folder an agent may have written anything into: nothing of ours is started there
but what the person asked for by name.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.scene import has_branch, has_worktree

if TYPE_CHECKING:
    from tui.scene import Scene


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the work; those that ``take_over`` need a terminal to give away."""

    name: str
    key: str
    label: str
    tooltip: str
    possible: Callable[[Scene], bool]
    take_over: bool = True


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("editor", "e", "Edit", "Open the worktree in $VISUAL or $EDITOR", has_worktree),
        Way("shell", "s", "Shell", "Open a shell in the worktree; leave it to come back", has_worktree),
        Way("branch", "y", "Copy branch", "Copy the name of the task's branch", has_branch, take_over=False),
    )
}  # fmt: skip


def command(way: str, environ: Mapping[str, str]) -> list[str]:
    """What to run in the worktree."""
    if way == "shell":
        return [environ.get("SHELL") or "/bin/sh"]
    editor = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        return [*(shlex.split(editor) or ["vi"]), "."]
    except ValueError:  # no shell would read it either
        return [editor, "."]


def visit(argv: list[str], worktree: str) -> str:
    """Run it there until it ends; why that was not possible, or nothing."""
    try:
        subprocess.run(argv, cwd=worktree, env=os.environ, check=False)
    except OSError as error:
        return f"{argv[0]} cannot be started: {error.strerror}"
    except ValueError as error:  # a path that no system takes
        return f"{argv[0]} cannot be started: {error}"
    return ""

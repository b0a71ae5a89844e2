"""A git directory made from nothing, in which a snapshot of a worktree is taken.

Whoever works in the worktree may have written its index, configuration, hooks, refs and HEAD, and
needs them as they are. So a snapshot is taken beside them: in a directory of our own that borrows
the objects, with a generated configuration in which no program is named, and an index read anew
from the commit. Nothing here is ever read back as a repository; what comes of it is a pack.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from orchestrator.git.environment import git_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.git.command import Git

_SURROUNDINGS = frozenset({"HOME", "PATH"})
"""Of the job's own environment: by them a sandbox finds programs."""

_RULES = ("shallow", "info/exclude", "info/attributes")
"""What the real repository knows of its history, and of which files are work."""


def make_snapshot_dir(folder: Path, git: Git, config: str, lenders: Iterable[Path]) -> None:
    """Make a git directory at ``folder`` that borrows from the object folders ``lenders``.

    ``config`` is a generated configuration (``PrivateViews.config``). Its HEAD names nothing yet.
    """
    for name in ("info", "refs", "objects/info", "objects/pack"):
        (folder / name).mkdir(parents=True)
    for name, text in {
        "config": config,
        "HEAD": "ref: refs/heads/snapshot\n",
        "objects/info/alternates": "".join(f"{lender}\n" for lender in lenders),
    }.items():
        (folder / name).write_text(text, "utf-8", "surrogateescape")
    for name in _RULES:
        rule = git.common_dir / name
        if rule.is_file() and not rule.is_symlink():
            shutil.copyfile(rule, folder / name)


def snapshot_environment(folder: Path, git: Git, work_tree: Path) -> Mapping[str, str]:
    """What makes every git command work on ``work_tree`` by that directory, and safely."""
    safe = git_environment(folder, git.identity)
    own = {name: value for name, value in safe.items() if name not in _SURROUNDINGS}
    return {**own, "GIT_DIR": str(folder), "GIT_WORK_TREE": str(work_tree)}

"""Whether a merge is what git makes of its two parents, or somebody had a hand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from history_replay.git import GitFailed, git

if TYPE_CHECKING:
    from pathlib import Path


def is_as_git_merges(repository: Path, commit: str, one: str, other: str) -> bool:
    """Whether merging ``other`` into ``one`` anew gives the tree of ``commit``."""
    try:
        tree = git(repository, "merge-tree", "--write-tree", "--no-messages", one, other)
    except GitFailed:
        return False
    return tree == git(repository, "rev-parse", f"{commit}^{{tree}}")

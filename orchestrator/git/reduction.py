"""A commit that holds other paths than another, to see what is missed, or stands without some.

Written with an index of its own, and on no branch: nothing in the repository refers to it.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.git.command import Git
    from orchestrator.git.listing import TreeEntry

_DATES = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}


@dataclass(frozen=True, slots=True)
class Reduced:
    """The commit and its tree."""

    commit: str
    tree: str


class Reductions:
    """Writes such commits into one repository."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def of(
        self,
        commit: str,
        entries: Iterable[TreeEntry],
        *,
        message: str = "only what a check declares",
    ) -> Reduced:
        """The child of ``commit`` that holds ``entries`` and nothing else.

        The same whenever it is made.
        """
        lines = "".join(f"{entry.mode} {entry.oid}\t{entry.path}\0" for entry in entries)
        with tempfile.TemporaryDirectory(prefix="clerk-index-") as folder:
            own = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            await self._git.run(
                "update-index", "-z", "--index-info", input=os.fsencode(lines), env=own
            )
            tree = (await self._git.run("write-tree", env=own)).text
        made = await self._git.run("commit-tree", tree, "-p", commit, "-m", message, env=_DATES)
        return Reduced(made.text, tree)

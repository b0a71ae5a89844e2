"""Merges that nobody will land, to see whether they would come out clean.

What git writes for them goes to a folder of its own, never into the repository's object store:
a forecast over many branches would fill that with trees that nothing leads to. The folder is
emptied now and then, and whatever is still wanted of it is made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.candidates import Candidates, Conflict
from orchestrator.git.environment import ENGINE
from orchestrator.git.imports import quoted_path
from orchestrator.git.linked import delete_trees

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.git.command import Git

MERGES_KEPT = 2000


class WhatIf:
    """Tries merges of one repository; ``folder`` is its own, and exists."""

    def __init__(self, git: Git, folder: Path) -> None:
        self._git = git
        self._folder = folder
        env = {
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted_path(str(git.common_dir / "objects")),
        }
        self._candidates = Candidates(git, env=env)
        self._joined: dict[tuple[str, str], str] = {}
        self._merges = 0

    async def conflicts(self, target: str, head: str, first: str = "") -> tuple[str, ...]:
        """The paths in conflict when ``head`` is merged onto ``target``, with ``first`` on it.

        What has no history in common conflicts in every file. Raises GitError when git cannot tell.
        """
        await self._make_room()
        onto = await self._join(target, first) if first else target
        try:
            merged = await self._candidates.merge(onto, head)
        except GitError:
            if await self._are_related(target, head):
                raise
            return ("every file",)
        self._merges += 1
        return merged.paths if isinstance(merged, Conflict) else ()

    async def _are_related(self, one: str, other: str) -> bool:
        return (await self._git.run("merge-base", one, other, ok=(0, 1))).code == 0

    async def _join(self, target: str, first: str) -> str:
        """``target`` with ``first`` merged onto it, which was seen to be clean."""
        if (target, first) not in self._joined:
            merged = await self._candidates.merge(target, first)
            if isinstance(merged, Conflict):
                raise GitError(f"{first[:12]} does not merge onto {target[:12]}")
            made = await self._candidates.commit(merged, message="what if\n", author=ENGINE, date=0)
            self._joined[target, first] = made.commit
            self._merges += 1
        return self._joined[target, first]

    async def _make_room(self) -> None:
        if self._merges < MERGES_KEPT:
            return
        await delete_trees(*self._folder.iterdir())
        self._joined.clear()
        self._merges = 0

"""Taking a landing back: the changes that came with it, the other way round, on the target as it is.

``merge-tree`` of this git takes no merge base, so both sides are told by commits that are never
kept, whose only parent is the landing: what came since on one side, what was before on the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.git.candidates import Candidates, Conflict, Merge
    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects


class Reverting:
    """Takes landings back in one repository."""

    def __init__(self, git: Git, candidates: Candidates, objects: Objects) -> None:
        self._git = git
        self._candidates = candidates
        self._objects = objects

    async def merge(self, target: str, *, landed: str, before: str) -> Merge | Conflict:
        """The tree of ``target`` without what came from ``before`` to ``landed``.

        ``before`` is the commit that ``landed`` was built on. The head of what is returned is
        ``landed``: it names what is taken back.
        """
        since = await self._stand_in(target, landed)
        undone = await self._stand_in(before, landed)
        merged = await self._candidates.merge(since, undone)
        return replace(merged, target=target, head=landed)

    async def _stand_in(self, commit: str, parent: str) -> str:
        return await self._candidates.commit_tree(
            await self._objects.tree_of(commit),
            (parent,),
            message="stand-in\n",
            author=self._git.identity,
            date=0,
        )

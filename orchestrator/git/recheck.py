"""What is asked of the objects once more, right before the target moves to them.

Nothing here believes how a candidate was built. Git makes each merge again and must come to the
very tree that was verified; parents or trailers must hold the task's head; the chain must begin
where the target stands; and no path may differ from the old target but those that the members'
own work touches, or the target itself renamed. So landed work cannot be taken back unseen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.candidates import Conflict
from orchestrator.git.messages import UNDOES
from orchestrator.git.strategies import BASE, HEAD, HOW
from orchestrator.safe_text import safe_text
from orchestrator.states import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.git.candidates import Candidate, Candidates
    from orchestrator.git.history import History
    from orchestrator.git.objects import Objects
    from orchestrator.git.reverting import Reverting

_SHOWN = 3


class Recheck:
    """Looks at candidates of one repository again."""

    def __init__(
        self, objects: Objects, history: History, candidates: Candidates, reverting: Reverting
    ) -> None:
        self._objects = objects
        self._history = history
        self._candidates = candidates
        self._reverting = reverting

    async def chain(self, members: Sequence[Candidate], old: str) -> None:
        """Raise GitError unless the last of ``members``, built one on the other, may follow ``old``."""
        links = [old, *(member.commit for member in members)]
        for (base, commit), member in zip(pairwise(links), members, strict=True):
            if member.target != base:
                raise GitError(
                    f"candidate {commit} was not built on {base}; landing would lose work"
                )
        for member in members:
            await self._is_what_it_claims(member)
            await self._is_the_merge(member)
        if strays := await self._strays(members, old):
            named = ", ".join(safe_text(path, one_line=True) for path in sorted(strays)[:_SHOWN])
            raise GitError(
                f"candidate {links[-1]} changes what no task of it touched: {named}; "
                "landing could take landed work back"
            )

    async def _is_what_it_claims(self, member: Candidate) -> None:
        commit = await self._objects.commit(member.commit)
        if commit.tree != member.tree:
            raise GitError(f"candidate {commit.oid} holds another tree than was verified")
        await self._descends(member)
        if member.undoes is not None:
            landed, _ = member.undoes
            trailers = commit.message.rpartition("\n\n")[2].splitlines()
            holds = any(t.startswith(f"{UNDOES}: ") and t.endswith(f"@{landed}") for t in trailers)
        elif member.strategy is Strategy.MERGE:
            holds = commit.parents[1:] == (member.head,)
        else:
            told = (f"{HOW}: {member.strategy}", f"{BASE}: {member.target}")
            wanted = {*told, f"{HEAD}: {member.head}"}
            holds = wanted <= set(commit.message.rpartition("\n\n")[2].split("\n"))
        if not holds:
            raise GitError(f"candidate {commit.oid} does not hold the task's head {member.head}")

    async def _descends(self, member: Candidate) -> None:
        """Whether the first-parent way leads to the base, past nothing but commits of its own."""
        commit = await self._objects.commit(member.commit)
        while member.strategy is Strategy.REBASE and len(commit.parents) == 1:
            if commit.parents[0] == member.target:
                return
            commit = await self._objects.commit(commit.parents[0])
        parents = 2 if member.strategy is Strategy.MERGE and member.undoes is None else 1
        if len(commit.parents) != parents or commit.parents[0] != member.target:
            raise GitError(
                f"candidate {member.commit} was not built on {member.target}; "
                "landing would lose work"
            )

    async def _is_the_merge(self, member: Candidate) -> None:
        if member.undoes is None:
            again = await self._candidates.merge(member.target, member.head)
        else:
            landed, before = member.undoes
            again = await self._reverting.merge(member.target, landed=landed, before=before)
        if isinstance(again, Conflict) or again.tree != member.tree:
            raise GitError(
                f"candidate {member.commit} is not what merging {member.head[:12]} into "
                f"{member.target[:12]} gives"
            )

    async def _bases(self, member: Candidate) -> tuple[str, ...]:
        """From where on what a member brings, or takes back, was changed."""
        if member.undoes is not None:
            return (member.undoes[1],)
        return await self._history.merge_bases(member.target, member.head)

    async def _strays(self, members: Sequence[Candidate], old: str) -> set[str]:
        """Paths that differ between the old target and the last member for no reason of theirs."""
        history = self._history
        strays = set(await history.paths(old, members[-1].commit))
        bases = [(member, base) for member in members for base in await self._bases(member)]
        touched = [await history.paths(base, member.head) for member, base in bases]
        strays -= frozenset().union(*touched)
        if strays:
            for (member, base), theirs in zip(bases, touched, strict=True):
                renamed = await history.renames(base, member.target)
                strays -= {new for new, former in renamed.items() if former in theirs}
        return strays

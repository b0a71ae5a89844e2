"""How a task's commits come to stand on the target: merged, squashed or one by one.

Whatever the shape, the tree is exactly that of the merge, so that what was verified of the one
holds for the others; and the same input is the same object. What no parent tells any more, the
trailers do: ``Clerk-Strategy``, ``Clerk-Base`` (the target it was built on) and ``Clerk-Head`` (the
task's head). A branch that cannot be replayed to that very tree is squashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.git.candidates import Candidate
from orchestrator.git.messages import as_person, with_trailers
from orchestrator.git.replay import Replay
from orchestrator.identity import Identity
from orchestrator.states import Strategy

if TYPE_CHECKING:
    from orchestrator.git.candidates import Candidates, Merge
    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects

BASE, HEAD, HOW = "Clerk-Base", "Clerk-Head", "Clerk-Strategy"
MOST_COAUTHORS = 20


class Strategies:
    """Builds what may land of clean merges, in one repository."""

    def __init__(self, git: Git, candidates: Candidates, objects: Objects) -> None:
        self._git = git
        self._candidates = candidates
        self._replay = Replay(git, candidates, objects)

    async def build(
        self, merge: Merge, strategy: Strategy, *, message: str, author: Identity, date: int
    ) -> Candidate:
        """A clean merge as what may land of it, dated ``date`` (POSIX seconds).

        ``message`` ends with its trailers (``merge_message``). ``author`` is who a merge commit is
        by; a squashed one is by the author of the branch's first commit, the others are named in it.
        """
        if strategy is Strategy.MERGE:
            return await self._candidates.commit(merge, message=message, author=author, date=date)
        if strategy is Strategy.REBASE:
            told = with_trailers(message, _origin(merge, strategy))
            if tip := await self._replay.onto_target(merge, message=told, date=date):
                return Candidate(tip, merge.tree, merge.target, merge.head, strategy)
        return await self._squashed(merge, message, author, date)

    async def _squashed(self, merge: Merge, message: str, author: Identity, date: int) -> Candidate:
        first, *others = await self._authors(merge) or [author]
        told = [("Co-authored-by", as_person(other)) for other in others[:MOST_COAUTHORS]]
        message = with_trailers(message, (*_origin(merge, Strategy.SQUASH), *told))
        made = await self._candidates.commit_tree(
            merge.tree, (merge.target,), message=message, author=first, date=date
        )
        return Candidate(made, merge.tree, merge.target, merge.head, Strategy.SQUASH)

    async def _authors(self, merge: Merge) -> list[Identity]:
        """Who wrote the branch, each once, the first one first; git must be able to name them."""
        log = await self._git.run(
            *("log", "--no-merges", "--reverse", "--topo-order", "--no-show-signature", "-z"),
            *("--format=%an%x1f%ae", f"{merge.target}..{merge.head}", "--"),
        )
        told = (field.partition("\x1f") for field in log.fields)
        people = (Identity(name, email) for name, _, email in told if _is_named(name))
        return list(dict.fromkeys(people))


def _origin(merge: Merge, strategy: Strategy) -> tuple[tuple[str, str], ...]:
    return ((HOW, strategy), (BASE, merge.target), (HEAD, merge.head))


def _is_named(name: str) -> bool:
    """Whether git would take it for a name; it cuts all of these off the ends."""
    return any(character > " " and character not in ".,:;<>\"\\'" for character in name)

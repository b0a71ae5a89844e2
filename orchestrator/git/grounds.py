"""What stacked work starts from: the target joined with heads that have not landed yet.

A ground is a commit that nobody verified and nobody lands by itself; it only stands beneath a
task's branch, so that the task's own changes are what lies above it. Its message says what it is
made of, by which a lost state finds it again. The dates are fixed: the same ground is the same
object. Where the old ground's heads are not in the new one (work that was done anew, or not merged as it
was), the new one is laid *over* the old, as a change from it: merging that takes the old out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.git.candidates import Conflict, Merge
from orchestrator.git.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.git.candidates import Candidates
    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects
    from orchestrator.identity import Identity

_TRAILER = re.compile(r"^Clerk-Ground: (\S+) ([0-9a-f]{40}(?:[0-9a-f]{24})?)((?: \S+@[0-9a-f]+)*)$")


@dataclass(frozen=True, slots=True)
class Clash:
    """The ground of ``words`` cannot be laid: ``word`` (task@head) conflicts with what is beneath it."""

    word: str
    paths: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground as it is on record: its commit, the target beneath, and the words of its heads."""

    commit: str
    target: str
    words: str


class Grounds:
    """Lays and finds grounds in one repository."""

    def __init__(self, git: Git, candidates: Candidates, objects: Objects) -> None:
        self._git = git
        self._candidates = candidates
        self._objects = objects

    async def lay(
        self, target: str, words: Sequence[str], *, of: str, author: Identity, date: int
    ) -> str | Clash:
        """``target`` joined with the heads of ``words`` (task@head), in order; for the task ``of``."""
        commit = target
        for number, word in enumerate(words, 1):
            merged = await self._candidates.merge(commit, word.partition("@")[2])
            if isinstance(merged, Conflict):
                return Clash(word, merged.paths, " ".join(words))
            message = _message(of, target, words[:number])
            made = await self._candidates.commit(merged, message=message, author=author, date=date)
            commit = made.commit
        return commit

    async def lay_over(
        self,
        old: str,
        new: str,
        *,
        target: str,
        words: Sequence[str],
        of: str,
        author: Identity,
        date: int,
    ) -> str:
        """The ground ``new`` as a change from the ground ``old``."""
        laid = Merge(await self._objects.tree_of(new), old, new)
        message = _message(of, target, words)
        made = await self._candidates.commit(laid, message=message, author=author, date=date)
        return made.commit

    async def read(self, commit: str) -> Ground | None:
        """What the ground ``commit`` says of itself; None when it is no ground."""
        told = await self._git.run("cat-file", "commit", commit)
        return next((g for _, g in _told(commit, told.text)), None)

    async def newest(self, of: str, beyond: str, head: str) -> Ground | None:
        """The last ground of the task ``of`` on the way from ``beyond`` to ``head``."""
        log = await self._git.run(
            *("log", "-z", "--topo-order", "--format=%H%n%B", "--no-show-signature"),
            *("--fixed-strings", f"--grep=Clerk-Ground: {of} ", f"{beyond}..{head}", "--"),
        )
        for entry in log.fields:
            commit, _, message = entry.partition("\n")
            found = next((ground for owner, ground in _told(commit, message) if owner == of), None)
            if found is not None:
                return found
        return None


def _told(commit: str, message: str) -> Iterable[tuple[str, Ground]]:
    for line in message.splitlines():
        if found := _TRAILER.match(line):
            yield found[1], Ground(commit, found[2], found[3].strip())


def _message(of: str, target: str, words: Sequence[str]) -> str:
    names = ", ".join(word.partition("@")[0] for word in words) or "the target"
    trailer = " ".join(("Clerk-Ground:", of, target, *words))
    return f"{one_line(of)} stands on {one_line(names)}\n\n{trailer}\n"

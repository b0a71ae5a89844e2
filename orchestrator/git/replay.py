"""A branch's own commits made anew on the target, by plumbing alone.

``merge-tree`` of this git takes no merge base, so each step is told by a commit that is never
kept: it holds the tree reached so far, and its parent is the parent of the commit to be replayed.
Author, date and message stay byte for byte, signatures go (they would be wrong). Whatever does not
come out as the merge's own tree is not done: the caller squashes instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.git.candidates import Conflict
from orchestrator.git.environment import DURABLE
from orchestrator.git.messages import trailers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.git.candidates import Candidates, Merge
    from orchestrator.git.command import Git
    from orchestrator.git.objects import Commit, Objects

MOST_COMMITS = 200
"""A longer branch is squashed: nobody reads it one by one, and each step costs."""

_OURS = re.compile(r"^\s*clerk-[\w-]+\s*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Step:
    """A commit of the branch, and the tree it has on the target."""

    oid: str
    tree: str


class Replay:
    """Replays branches of one repository."""

    def __init__(self, git: Git, candidates: Candidates, objects: Objects) -> None:
        self._git = git
        self._candidates = candidates
        self._objects = objects

    async def onto_target(self, merge: Merge, *, message: str, date: int) -> str | None:
        """The last of the branch's commits on the target, with the trailers of ``message``.

        None where the branch holds merges, or words that are or could turn out to be trailers like
        ours, where a step conflicts, or where the tree is not the merge's.
        """
        line = await self._line(merge)
        steps = await self._steps(merge, line) if line else ()
        return await self._written(merge, steps, message, date) if steps else None

    async def _line(self, merge: Merge) -> tuple[Commit, ...]:
        """The branch's own commits, oldest first; none where they are no plain line."""
        listing = await self._git.run(
            *("rev-list", "--topo-order", "--reverse", f"--max-count={MOST_COMMITS + 1}"),
            *(f"{merge.target}..{merge.head}", "--"),
        )
        oids = listing.text.split()
        line = tuple([await self._objects.commit(oid) for oid in oids[: MOST_COMMITS + 1]])
        plain = all(len(one.parents) == 1 and not _reads_like_ours(one) for one in line)
        return line if plain and len(line) <= MOST_COMMITS else ()

    async def _steps(self, merge: Merge, line: Sequence[Commit]) -> tuple[_Step, ...]:
        """The trees on the way; none where it does not lead to the merge's tree.

        What the target holds already is left out, what was empty from the beginning is not.
        """
        steps, reached = [], await self._objects.tree_of(merge.target)
        for commit in line:
            before = await self._objects.tree_of(commit.parents[0])
            tree = await self._picked(reached, before, commit)
            if not tree:
                return ()
            if tree != reached or commit.tree == before:
                steps.append(_Step(commit.oid, tree))
            reached = tree
        return tuple(steps) if reached == merge.tree else ()

    async def _picked(self, reached: str, before: str, commit: Commit) -> str:
        """The tree of ``commit`` once it stands on ``reached``; empty for a conflict."""
        if reached == before:
            return commit.tree
        if commit.tree == before:
            return reached
        stand_in = await self._candidates.commit_tree(
            reached, commit.parents, message="stand-in\n", author=self._git.identity, date=0
        )
        merged = await self._candidates.merge(stand_in, commit.oid)
        return "" if isinstance(merged, Conflict) else merged.tree

    async def _written(
        self, merge: Merge, steps: Sequence[_Step], message: str, date: int
    ) -> str | None:
        committer = await self._committer(date)
        tip = merge.target
        for step in steps:
            raw = await self._objects.raw_commit(step.oid)
            if b"\nencoding " in raw.partition(b"\n\n")[0]:  # git would show other words
                return None
            last = message if step is steps[-1] else ""
            made = await self._git.run(
                *("hash-object", "-t", "commit", "-w", "--stdin"),
                input=_anew(raw, step.tree, tip, committer, last),
                ok=(0, 128),  # a commit that a stricter git than its maker's does not take
                env=DURABLE,
            )
            if made.code:
                return None
            tip = made.text
        return tip

    async def _committer(self, date: int) -> bytes:
        """Us, the way git writes it."""
        asked = await self._git.run(
            "var", "GIT_COMMITTER_IDENT", env={"GIT_COMMITTER_DATE": f"@{date} +0000"}
        )
        return asked.stdout.rstrip(b"\n")


def _reads_like_ours(commit: Commit) -> bool:
    """Whether a message has a trailer like ours; to git its first line is none."""
    return bool(_OURS.search(commit.message.partition("\n")[2]))


def _anew(raw: bytes, tree: str, parent: str, committer: bytes, message: str) -> bytes:
    """The commit ``raw`` with another tree, parent and committer, and our trailers if it is the last."""
    header, _, words = raw.partition(b"\n\n")
    author = next(line for line in header.split(b"\n") if line.startswith(b"author "))
    if message:
        told = words.rstrip() or message.partition("\n\n")[0].encode()
        words = told + b"\n\n" + trailers_of(message).encode()
    places = f"tree {tree}\nparent {parent}\n".encode()
    return places + author + b"\ncommitter " + committer + b"\n\n" + words

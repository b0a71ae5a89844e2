"""Candidates: merge commits that are not on the target yet, built without a checkout.

``merge-tree`` writes the merged tree, ``commit-tree`` the commit, with fixed dates, so that the
same merge is the same object however often it is built. Attributes and drivers of the trees are
not consulted (there is no work tree), so a merge comes out the same everywhere. An unknown oid
is never read as a conflict, though git gives both the same exit code.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.identity import Identity
from orchestrator.states import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.git.command import Git, Output

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Merge:
    """A clean merge of ``head`` into ``target``: the tree it would give, no commit yet."""

    tree: str
    target: str
    head: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A merge of ``head`` into ``target`` as the commit ``commit`` holding ``tree``.

    ``strategy`` is how it was built, which may be less than was asked for (``strategies``).
    ``undoes`` is set on what takes a landing back: the landing, and the commit it was built on.
    """

    commit: str
    tree: str
    target: str
    head: str
    strategy: Strategy = Strategy.MERGE
    undoes: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A merge that does not come out clean.

    ``tree`` holds the files with conflict markers, ``paths`` names those in conflict,
    ``summary`` is git's own account, one line each.
    """

    target: str
    head: str
    tree: str
    paths: tuple[str, ...]
    summary: str


class Candidates:
    """Builds candidates in one repository; ``env`` is laid over git's environment."""

    def __init__(self, git: Git, *, env: Mapping[str, str] | None = None) -> None:
        self._git = git
        self._env = env or {}

    async def merge(self, target: str, head: str) -> Merge | Conflict:
        """What merging the oid ``head`` into the oid ``target`` gives; writes only objects.

        Raises GitError when an oid is unknown or the histories have nothing in common.
        """
        merged = await self._git.run(
            *("merge-tree", "--write-tree", "-z", "--name-only", "--messages", target, head),
            ok=(0, 1),
            env=self._env,
        )
        tree, paths, summary = _read_merge(merged, target, head)
        if merged.code:
            return Conflict(target, head, tree, paths, summary)
        return Merge(tree, target, head)

    async def commit(self, merge: Merge, *, message: str, author: Identity, date: int) -> Candidate:
        """A clean merge as a merge commit, dated ``date`` (POSIX seconds)."""
        made = await self.commit_tree(
            merge.tree, (merge.target, merge.head), message=message, author=author, date=date
        )
        return Candidate(made, merge.tree, merge.target, merge.head)

    async def commit_tree(
        self, tree: str, parents: Sequence[str], *, message: str, author: Identity, date: int
    ) -> str:
        """A commit of ``tree``, by ``author`` and us, the same whenever it is made."""
        when = f"@{date} +0000"
        env = {
            **self._env,
            **author.as_environment(self._git.identity),
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        }
        named = [word for parent in parents for word in ("-p", parent)]
        made = await self._git.run(
            "commit-tree", tree, *named, "-F", "-", input=message.encode(), env=env
        )
        return made.text


def _read_merge(merged: Output, target: str, head: str) -> tuple[str, tuple[str, ...], str]:
    """Tree, paths in conflict and messages in the output of ``merge-tree -z --name-only``.

    ``TREE NUL (PATH NUL)* NUL (COUNT NUL PATH{COUNT} NUL TYPE NUL MESSAGE NUL)*``
    """
    listing, _, rest = os.fsdecode(merged.stdout).partition("\0\0")
    tree, *paths = listing.split("\0")
    if not _OID.fullmatch(tree):
        raise GitError(
            f"{head[:12]} cannot be merged into {target[:12]}: {merged.complaint}", code=merged.code
        )
    return tree, tuple(paths), "\n".join(_conflict_messages(rest.split("\0")))


def _conflict_messages(fields: Sequence[str]) -> list[str]:
    messages, at = [], 0
    while at < len(fields) and fields[at].isdigit():
        at += 1 + int(fields[at])
        kind, message = fields[at : at + 2]
        if kind.startswith("CONFLICT"):
            messages.append(message.strip())
        at += 2
    return messages

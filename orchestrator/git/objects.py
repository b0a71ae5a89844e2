"""Commits read as objects, without a process for each.

The one place of GitPython: it keeps a ``git cat-file --batch`` alive, and one for sizes, so
that a commit costs a tenth of a millisecond instead of a process (2 ms). GitPython knows only
SHA-1: commits of SHA-256 repositories, and whatever the reader cannot tell, are asked of the safe
command. The reader gets the same environment, and is started again when something ended it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git import Git as ObjectReader
from git.objects.fun import tree_entries_from_data

from orchestrator.errors import GitError
from orchestrator.identity import Identity

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from orchestrator.git.command import Git

_TREES_KEPT = 4096

Child = tuple[str, str, str]
"""Mode, name and oid of what a tree holds; a folder's mode is ``40000``."""

_MISSING = " missing'"
"""How the reader ends its words about a name that stands for nothing."""

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^<>]*)>")


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit says of itself; ``author`` is as written there, be it nothing."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: Identity

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.split("\n", 1)[0]


class Objects:
    """Reads commits of one repository. Close it, or use it as a context manager."""

    def __init__(self, git: Git, *, sha1: bool = True) -> None:
        self._git = git
        self._readable = sha1
        self._trees: dict[str, str] = {}
        self._reader = ObjectReader("/")
        # GitPython lays this over what we inherited ourselves, so each variable by which
        # git would look for objects elsewhere is named.
        self._reader.update_environment(
            **git.environment,
            GIT_DIR=str(git.common_dir),
            GIT_OBJECT_DIRECTORY=str(git.common_dir / "objects"),
            GIT_ALTERNATE_OBJECT_DIRECTORIES="",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def commit(self, oid: str) -> Commit:
        """The commit ``oid`` (a full oid). Raises GitError when there is none."""
        if not _OID.fullmatch(oid):
            raise GitError(f"{oid!r} is not the id of a commit")
        return _parsed(oid, await self.raw_commit(oid))

    async def raw_commit(self, oid: str) -> bytes:
        """The commit ``oid``, byte for byte. Raises GitError when there is none."""
        raw = self._read(oid) if self._readable else None
        return (await self._git.run("cat-file", "commit", oid)).stdout if raw is None else raw

    def named(self, rev: str) -> str | None:
        """The commit that ``rev`` names now, "" for none; None when the reader cannot tell.

        The reader looks a ref up anew each time it is asked.
        """
        if not self._readable or any(character.isspace() for character in rev):
            return None
        try:
            oid, _, _, _ = self._reader.get_object_data(f"{rev}^{{commit}}")
        except (ValueError, OSError) as error:
            if str(error).endswith(_MISSING):
                return ""
            self.close()
            return None
        return os.fsdecode(oid)

    async def tree_of(self, oid: str) -> str:
        """The tree of the commit ``oid``, which is asked for once: an oid names nothing else."""
        known = self._trees.get(oid)
        if known is None:
            known = (await self.commit(oid)).tree
            if len(self._trees) >= _TREES_KEPT:
                self._trees.clear()
            self._trees[oid] = known
        return known

    def children_of(self, tree: str) -> tuple[Child, ...] | None:
        """What the tree of that oid holds itself; None when the reader cannot tell."""
        raw = self._read(tree, "tree") if self._readable else None
        if raw is None:
            return None
        with suppress(ValueError):  # a tree that it takes for none is for git to tell
            entries = tree_entries_from_data(raw)
            return tuple((f"{mode:o}", name, oid.hex()) for oid, mode, name in entries)
        return None

    def knows(self, oid: str) -> bool:
        """Whether the commit ``oid`` was told of before."""
        return oid in self._trees

    def size_of(self, oid: str) -> int | None:
        """The bytes of an object; None when there is none, or the reader cannot tell."""
        if not self._readable or not _OID.fullmatch(oid):
            return None
        try:
            return int(self._reader.get_object_header(oid)[2])
        except (ValueError, OSError):
            self.close()
            return None

    def close(self) -> None:
        """End the reader; the next read starts another."""
        self._reader.clear_cache()

    def _read(self, oid: str, wanted: str = "commit") -> bytes | None:
        """The raw object; None when the reader cannot tell, and git itself is to be asked."""
        try:
            _, kind, size, raw = self._reader.get_object_data(oid)
        except (ValueError, OSError):  # no such object, or the reader was ended (Ctrl-C, say)
            self.close()
            return None
        if len(raw) != int(size):  # it was ended in mid-sentence
            self.close()
            return None
        return raw if os.fsdecode(kind) == wanted else None


def _parsed(oid: str, raw: bytes) -> Commit:
    header, _, message = raw.decode("utf-8", "replace").partition("\n\n")
    lines = [line.partition(" ") for line in header.split("\n")]
    tree = next((value for key, _, value in lines if key == "tree"), "")
    if not tree:
        raise GitError(f"{oid} reads as no commit; is the repository whole? git fsck tells")
    parents = tuple(value for key, _, value in lines if key == "parent")
    author = next((value for key, _, value in lines if key == "author"), "")
    person = _PERSON.match(author)
    return Commit(oid, tree, parents, message, Identity(*person.groups() if person else ("", "")))

"""Checkouts for verification, reused.

A fresh worktree costs about a millisecond a file, switching a used one ten to forty in all. What
a check finds must follow from the commit alone, so after each switch nothing untracked or
ignored is left (stale bytecode of the former tree made Python import it in 50 of 100 switches),
and an index that anybody but us wrote since is not believed: the tree is then written anew. Git is
blind to some of it: attributes that lie about steer what it writes next (in another encoding,
say), and it takes no look at a ``.git`` below the top, nor into the folder of a submodule.
A slot that cannot be switched is thrown away and made again.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.crash_points import crash_point
from orchestrator.errors import CannotRun, GitError
from orchestrator.git.environment import search_path
from orchestrator.git.index_file import listed_paths
from orchestrator.git.linked import delete_trees
from orchestrator.git.rendering import Rendering
from orchestrator.supervision import process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.linked import LinkedWorktrees
    from orchestrator.git.objects import Objects

FOLDER = ".verify"
SWITCH_SECONDS = 600.0
LOOKED_THROUGH = 2000
"""So many entries are looked at without a process of their own."""

_SUBMODULE_MODE = b"\x00\x00\xe0\x00"
_SPLIT = b"link"

_Signature = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clean, detached checkout of ``commit``."""

    worktree: WorkTree
    commit: str
    tree: str
    git: Git

    @property
    def path(self) -> Path:
        return self.worktree.path

    async def changed(self) -> frozenset[str]:
        """Files of the commit that are not as it has them any more; raises GitError."""
        told = await self.git.run(
            "diff",
            "--name-only",
            "-z",
            "--no-renames",
            "--ignore-submodules=all",
            self.commit,
            at=self.worktree,
            timeout_seconds=SWITCH_SECONDS,
        )
        return frozenset(told.fields)


@dataclass(slots=True)
class _Slot:
    """A place for one checkout; ``index`` is what its index looked like when we wrote it.

    ``rendering`` tells how its files came out: git does not write them anew for that alone.
    """

    name: str
    worktree: WorkTree | None = None
    index: _Signature | None = field(default=None)
    rendering: str = ""


class CheckoutPool:
    """At most ``size`` checkouts at once; slots are made when first needed and then kept."""

    def __init__(self, git: Git, objects: Objects, linked: LinkedWorktrees, *, size: int) -> None:
        self._git = git
        self._objects = objects
        self._linked = linked
        self._rendering = Rendering(git)
        self._places = anyio.Semaphore(size)
        self._free = [_Slot(f"{FOLDER}/{number}") for number in reversed(range(size))]

    @asynccontextmanager
    async def acquire(self, commit: str) -> AsyncIterator[Checkout]:
        """A checkout of ``commit`` for the caller alone, once a slot is free.

        Raises GitError when there is no such commit or it cannot be checked out.
        """
        tree = await self._objects.tree_of(commit)
        async with self._places:
            slot = self._free.pop()  # the one used last: its files are the warmest
            try:
                worktree = await self._filled(slot, commit)
                crash_point("verification.checked-out")
                yield Checkout(worktree, commit, tree, self._git)
            finally:
                self._free.append(slot)

    async def _filled(self, slot: _Slot, commit: str) -> WorkTree:
        slot.worktree = self._linked.find(slot.name)
        rendering = await self._rendering.mark()
        if slot.rendering != rendering:
            slot.index, slot.rendering = None, rendering
        if slot.worktree:
            try:
                return await self._switched(slot, slot.worktree, commit)
            except GitError:
                slot.worktree = None
        slot.worktree = await self._linked.add(slot.name, commit)
        slot.index = _signature(slot.worktree)
        return slot.worktree

    async def _switched(self, slot: _Slot, worktree: WorkTree, commit: str) -> WorkTree:
        index = worktree.git_dir / "index"
        (worktree.git_dir / "index.lock").unlink(missing_ok=True)
        await _drop_misleading(worktree.path)
        if slot.index is None or slot.index != _signature(worktree):
            index.unlink(missing_ok=True)
        await self._git.run(
            "checkout",
            "--quiet",
            "--force",
            "--detach",
            commit,
            at=worktree,
            timeout_seconds=SWITCH_SECONDS,
        )
        if not _holds_only_its_own(worktree, oid_bytes=len(commit) // 2):
            await self._git.run("clean", "-ffdxq", at=worktree, timeout_seconds=SWITCH_SECONDS)
        await self._empty_submodules(worktree)
        slot.index = _signature(worktree)
        return worktree

    async def _empty_submodules(self, worktree: WorkTree) -> None:
        """Their commits are not here, so whatever lies in their folders was left there."""
        if not _may_hold_submodules(worktree.git_dir / "index"):
            return
        listed = await self._git.run("ls-files", "-z", "--stage", at=worktree)
        entries = (entry.partition("\t") for entry in listed.fields)
        links = [worktree.path / path for told, _, path in entries if told.startswith("160000 ")]
        left = (entry for link in links if link.is_dir() for entry in link.iterdir())
        await delete_trees(*left)


def _may_hold_submodules(index: Path) -> bool:
    """Whether an index could list one: where not even the bytes of its mode occur, it cannot.

    A split index keeps its entries in another file.
    """
    raw = index.read_bytes() if index.exists() else b""
    return _SUBMODULE_MODE in raw or _SPLIT in raw


async def _drop_misleading(top: Path) -> None:
    """Remove every ``.gitattributes``, which checkout writes again, and ``.git`` below the top.

    A small tree is looked through here, since a process costs as much as some thousand entries.
    """
    try:
        found = _misleading_in(top)
    except OSError:  # a folder that shut itself in: rm opens it up, or says why not
        found = None
    if found is not None:
        await delete_trees(*found)
        return
    named = ("-iname", ".gitattributes", "-o", "-iname", ".git", "!", "-path", "./.git")
    argv = ("find", ".", "-mindepth", "1", "(", *named, ")", "-prune")
    remove = ("-exec", "rm", "-rf", "--", "{}", "+")
    env = {"PATH": search_path(), "LC_ALL": "C"}
    try:
        done = await process.run((*argv, *remove), cwd=top, env=env, timeout_seconds=SWITCH_SECONDS)
    except (CannotRun, TimeoutError) as error:
        raise GitError(f"{top} cannot be looked through: {error}") from error
    if done.code:
        raise GitError(f"{top} cannot be looked through")


def _misleading_in(top: Path) -> list[Path] | None:
    """What would mislead git, by an own look at the tree; None when that is too large for it."""
    found: list[Path] = []
    folders, left = [str(top)], LOOKED_THROUGH
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                left -= 1
                if left < 0:
                    return None
                name = entry.name.lower()
                if name == ".gitattributes" or (name == ".git" and folder != str(top)):
                    found.append(Path(entry.path))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return found


def _holds_only_its_own(worktree: WorkTree, *, oid_bytes: int) -> bool:
    """Whether nothing stands there but what the index lists; False where a look does not tell."""
    listed = listed_paths(worktree.git_dir / "index", oid_bytes=oid_bytes)
    if listed is None or len(listed) > LOOKED_THROUGH:
        return False
    folders_listed = {parent for path in listed for parent in _folders_of(path)}
    folders, left = [b""], LOOKED_THROUGH
    try:
        while folders:
            within = folders.pop()
            with os.scandir(os.fsencode(worktree.path) + b"/" + within) as entries:
                for entry in entries:
                    left -= 1
                    path = within + entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if left < 0 or path not in folders_listed:
                            return False
                        folders.append(path + b"/")
                    elif left < 0 or (path not in listed and path != b".git"):
                        return False
    except OSError:
        return False
    return True


def _folders_of(path: bytes) -> Iterator[bytes]:
    """The folders that a path lies in."""
    while path := path.rpartition(b"/")[0]:
        yield path


def _signature(worktree: WorkTree) -> _Signature | None:
    """Changes with every write of the index: git replaces the file, and nobody sets a ctime."""
    try:
        found = (worktree.git_dir / "index").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

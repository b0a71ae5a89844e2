"""What a tree holds, path by path, read without a checkout.

A tree never changes, so what was read of one is kept. Text of links is read, too: what a link
leads to is part of what its reader sees.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.git.command import Git

LINK = "120000"
_KEPT = 8


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a tree; ``mode`` tells files, programs, links and submodules apart."""

    mode: str
    oid: str
    path: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All entries of a tree in git's order, and where each of its links points."""

    entries: tuple[TreeEntry, ...]
    links: Mapping[str, str]


class Listings:
    """Reads the trees of one repository; the last few are kept."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._kept: OrderedDict[str, Listing] = OrderedDict()

    async def of(self, tree: str) -> Listing:
        """The listing of the tree of that oid; raises GitError when there is none."""
        if tree not in self._kept:
            self._kept[tree] = await self._read(tree)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(tree)
        return self._kept[tree]

    async def _read(self, tree: str) -> Listing:
        told = await self._git.run("ls-tree", "-r", "-z", "--full-tree", tree)
        entries = tuple(map(_entry, told.fields))
        return Listing(entries, await self._targets(e for e in entries if e.mode == LINK))

    async def _targets(self, links: Iterable[TreeEntry]) -> dict[str, str]:
        wanted = list(links)
        if not wanted:
            return {}
        asked = "".join(f"{link.oid}\n" for link in wanted)
        told = await self._git.run("cat-file", "--batch", input=asked.encode())
        targets, at = {}, 0
        for link in wanted:
            header_end = told.stdout.index(b"\n", at)
            size = int(told.stdout[at:header_end].split()[2])
            start = header_end + 1
            targets[link.path] = os.fsdecode(told.stdout[start : start + size])
            at = start + size + 1
        return targets


def _entry(field: str) -> TreeEntry:
    facts, _, path = field.partition("\t")
    mode, _, oid = facts.split(" ")
    return TreeEntry(mode, oid, path)

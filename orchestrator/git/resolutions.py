"""How conflicts were resolved before, so that nobody has to resolve the same one twice.

A conflict in a file is told by three blobs: what both sides had, and what each made of it. An
agent's resolution is the file as it stood when its work was *verified*; it is kept under a ref of
ours, in a tree with an entry for each such triple. It is given to worktrees only, where a session
is told of it and checks judge it: nothing here touches the target.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.git.refs import resolving_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.refs import Refs

KEPT_REF = "refs/clerk/resolutions"
MOST_KEPT = 1000
"""Beyond that some are forgotten, by their names, which say nothing of them."""

_FILES = frozenset({"100644", "100755"})
_MARKER = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}


@dataclass(frozen=True, slots=True)
class Disputed:
    """A file in conflict: the blob both sides had ("" for none), and those they made of it."""

    path: str
    mode: str
    base: str
    ours: str
    theirs: str

    @property
    def name(self) -> str:
        """The same whichever side is ours: what both intend is one text."""
        one, other = sorted((self.ours, self.theirs))
        return f"{self.base or 'none'}-{one}-{other}"


class Resolutions:
    """Keeps the resolutions of one repository."""

    def __init__(self, git: Git, refs: Refs) -> None:
        self._git = git
        self._refs = refs

    async def disputed(self, tree: WorkTree) -> tuple[Disputed, ...]:
        """The files in conflict in a merge in progress that both sides have as files."""
        stages = await self._git.run("ls-files", "-u", "-z", at=tree)
        return tuple(_disputed(stages.fields))

    async def reuse(self, tree: WorkTree, disputed: Sequence[Disputed]) -> tuple[str, ...]:
        """Put in place, and stage, what resolved the same conflicts before; the paths of that."""
        known = await self._tree(KEPT_REF) if disputed else {}
        found = [(one, known[one.name]) for one in disputed if one.name in known]
        if not found:
            return ()
        staged = "".join(
            f"0 {'0' * len(blob)}\t{one.path}\0{one.mode} {blob} 0\t{one.path}\0"
            for one, blob in found
        )
        await self._git.run(
            "update-index", "-z", "--index-info", at=tree, input=os.fsencode(staged)
        )
        paths = "".join(f"{one.path}\0" for one, _ in found)
        await self._git.run(
            "checkout-index", "-f", "-z", "--stdin", at=tree, input=os.fsencode(paths)
        )
        return tuple(one.path for one, _ in found)

    async def expect(self, plan: str, task: str, disputed: Iterable[Disputed]) -> None:
        """Remember what a task's agent is to resolve, until its work is verified."""
        told = "".join(f"{one.name} {one.path}\0" for one in disputed)
        blob = await self._git.run("hash-object", "-w", "--stdin", input=os.fsencode(told))
        await self._refs.hold(resolving_ref(plan, task), blob.text)

    async def forget(self, plan: str, task: str) -> None:
        """What was to be resolved is not in the task's branch any more."""
        await self._refs.let_go(resolving_ref(plan, task))

    async def learn(self, plan: str, task: str, head: str) -> tuple[str, ...]:
        """Keep how the verified commit ``head`` resolves what was expected; the paths of that."""
        ref = resolving_ref(plan, task)
        told = await self._git.run("cat-file", "blob", ref, ok=(0, 128))
        if told.code:
            return ()
        found: dict[str, str] = {}
        paths: list[str] = []
        for name, _, path in (field.partition(" ") for field in told.fields):
            if blob := await self._resolved(head, path):
                found[name] = blob
                paths.append(path)
        if found:
            await self._keep(found)
        await self._refs.let_go(ref)
        return tuple(paths)

    async def _resolved(self, head: str, path: str) -> str:
        """The blob of ``path`` in ``head``; "" where it is gone, or has markers in it."""
        listing = await self._git.run(
            "ls-tree", "-z", "--full-tree", head, "--", path, env=_LITERAL
        )
        for mode, oid, name in _entries(listing.fields):
            if name == path and mode in _FILES:
                content = await self._git.run("cat-file", "blob", oid)
                return "" if _MARKER.search(content.stdout) else oid
        return ""

    async def _keep(self, found: Mapping[str, str]) -> None:
        known = await self._tree(KEPT_REF)
        others = [(name, oid) for name, oid in known.items() if name not in found]
        entries = [*others[: max(0, MOST_KEPT - len(found))], *found.items()]
        lines = "".join(f"100644 blob {oid}\t{name}\0" for name, oid in entries)
        tree = await self._git.run("mktree", "-z", input=lines.encode())
        await self._refs.hold(KEPT_REF, tree.text)

    async def _tree(self, ref: str) -> dict[str, str]:
        listing = await self._git.run("ls-tree", "-z", "--full-tree", ref, ok=(0, 128))
        return {name: oid for _, oid, name in _entries(listing.fields)}


def _entries(fields: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Mode, oid and path of the blobs in the output of ``ls-tree -z``."""
    for field in fields:
        told, _, path = field.partition("\t")
        mode, kind, oid = told.split()
        if kind == "blob":
            yield mode, oid, path


def _disputed(fields: Iterable[str]) -> Iterator[Disputed]:
    """From the output of ``ls-files -u -z``: ``MODE OID STAGE TAB PATH``."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for field in fields:
        told, _, path = field.partition("\t")
        mode, oid, stage = told.split()
        found.setdefault(path, {})[stage] = (mode, oid)
    for path, stages in found.items():
        if {"2", "3"} <= stages.keys() and all(mode in _FILES for mode, _ in stages.values()):
            (mode, ours), (_, theirs) = stages["2"], stages["3"]
            yield Disputed(path, mode, stages.get("1", ("", ""))[1], ours, theirs)

"""Notes on commits under ``refs/notes/clerk``: what is known of a commit that it cannot say itself.

Plain git notes, so that ``git log --notes=clerk`` shows them and ``git push`` carries them. They are
written in one go beside the ref, which then moves by compare-and-swap: a person's note, made at the
same moment, is never lost. Reading believes nothing: whoever may write to the repository may write
notes.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError, RefMoved
from orchestrator.git.environment import DURABLE, ENGINE
from orchestrator.git.policy import read_batch
from orchestrator.git.refs import Move

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects
    from orchestrator.git.refs import Refs

NOTES = "refs/notes/clerk"
DRAFT = "refs/clerk/notes"
"""Where they are written before ``NOTES`` moves there."""

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_TRIES = 20


class Notes:
    """The notes of one repository."""

    def __init__(self, git: Git, refs: Refs, objects: Objects) -> None:
        self._git = git
        self._refs = refs
        self._objects = objects

    async def noted(self) -> dict[str, str]:
        """Every commit that has a note, with the note's blob."""
        tip = await self._refs.resolve(NOTES)
        if tip is None:
            return {}
        listing = await self._git.run("ls-tree", "-r", "-z", "--full-tree", tip)
        rows = (field.partition("\t") for field in listing.fields)
        found = {path.replace("/", ""): facts.split(" ")[2] for facts, _, path in rows}
        return {commit: blob for commit, blob in found.items() if _OID.fullmatch(commit)}

    async def read(self, commits: Collection[str]) -> dict[str, str]:
        """The notes of those of ``commits`` that have one."""
        noted = await self.noted()
        wanted = [commit for commit in commits if commit in noted]
        if not wanted:
            return {}
        answer = await self._git.run(
            *("cat-file", "--batch=%(objectsize)"),
            input="".join(f"{noted[commit]}\n" for commit in wanted).encode(),
        )
        return dict(zip(wanted, read_batch(answer.stdout), strict=True))

    async def write(self, notes: Mapping[str, str], *, date: int) -> None:
        """Give each commit its note, in the place of any that it had, as a commit of ``date``."""
        for _ in range(_TRIES):
            old = await self._refs.resolve(NOTES) or ""
            new = await self._drafted(notes, old, date)
            if old and await self._objects.tree_of(new) == await self._objects.tree_of(old):
                await self._refs.let_go(DRAFT)
                return
            crash_point("notes.drafted")
            try:
                await self._refs.move_all(
                    (Move(NOTES, new, old),), "clerk: notes", dropping=(DRAFT,)
                )
            except RefMoved:
                continue
            return
        raise GitError(f"{NOTES} keeps moving; the notes were not written")

    async def forget_draft(self) -> None:
        """Drop what a crash left half-way."""
        if await self._refs.resolve(DRAFT):
            await self._refs.let_go(DRAFT)

    async def _drafted(self, notes: Mapping[str, str], old: str, date: int) -> str:
        """A commit on top of ``old`` that holds ``notes``, too; only ``DRAFT`` leads there.

        What stands there first goes: fast-import would follow a pointer, at the target say.
        """
        await self._refs.let_go(DRAFT)
        words = [f"reset {DRAFT}", *([f"from {old}", ""] if old else [])]
        words += [f"commit {DRAFT}", f"committer {ENGINE.name} <{ENGINE.email}> {date} +0000"]
        script = _lines(words) + _data("notes\n")
        for commit, note in notes.items():
            script += _lines([f"N inline {commit}"]) + _data(note)
        await self._git.run(
            *("fast-import", "--quiet", "--force", "--done"),
            input=script + b"done\n",
            env=DURABLE,
        )
        drafted = await self._refs.resolve(DRAFT)
        if drafted is None:
            raise GitError("git fast-import wrote no notes")
        return drafted


def _lines(words: list[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _data(text: str) -> bytes:
    raw = os.fsencode(text)
    return b"data %d\n%b\n" % (len(raw), raw)

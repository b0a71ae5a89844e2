"""Refs, moved by compare-and-swap only.

Every move names the value it expects, so that two movers can never both believe they won; refs
are always full names and never followed through a symbolic ref, so that a branch turned into a
pointer at the target cannot drag the target along. What moved is flushed to disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import GitError, RefMoved
from orchestrator.git.environment import DURABLE
from orchestrator.git.ref_files import oid_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects
    from orchestrator.git.ref_writer import RefWriter

LOCK_PATIENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.02
_EXACTLY = "option no-deref\0"
CHECKS = "refs/clerk/checks"
_OWN = ("refs/heads/clerk/", "refs/clerk/")
_NOBODYS = (*_OWN, "refs/notes/clerk")
"""Where people move nothing."""


def branch_ref(branch: str) -> str:
    return f"refs/heads/{branch}"


def task_branch(plan: str, task: str) -> str:
    """The branch of a task; a folder per plan, so that plans never meet."""
    return f"clerk/{plan}/{task}"


def keep_ref(plan: str, task: str, number: int) -> str:
    """Keeps the head that session ``number`` left alive, whatever becomes of the branch."""
    return f"refs/clerk/keep/{plan}/{task}/{number}"


def stray_ref(plan: str, task: str, oid: str) -> str:
    """Keeps a commit alive that the branch could not take; no session's ref takes its place."""
    return f"refs/clerk/keep/{plan}/{task}/{oid}"


def candidate_ref(plan: str, task: str) -> str:
    """Keeps the candidate alive that is being verified or landed."""
    return f"refs/clerk/candidate/{plan}/{task}"


def check_ref(plan: str, task: str) -> str:
    """Keeps the snapshot alive that somebody has asked to be verified."""
    return f"{CHECKS}/{plan}/{task}"


def resolving_ref(plan: str, task: str) -> str:
    """Names the conflicts that a task's agent is resolving, until its work is verified."""
    return f"refs/clerk/resolving/{plan}/{task}"


@dataclass(frozen=True, slots=True)
class Move:
    """One ref's way from ``old`` to ``new``; "" stands for "does not exist" on either side."""

    ref: str
    new: str
    old: str


class Refs:
    """The refs of one repository.

    Who asks often hands in ``objects``, whose reader answers without a process; who moves often, a
    ``writer`` of the engine's own refs.
    """

    def __init__(
        self,
        git: Git,
        null_oid: str,
        objects: Objects | None = None,
        writer: RefWriter | None = None,
    ) -> None:
        self._git = git
        self._writer = writer
        self._null = null_oid
        self._objects = objects
        self.own_moves: dict[tuple[str, str], str] = {}
        """Where the engine itself moved a ref that is not its own: by ref and value before."""

    async def resolve(self, rev: str) -> str | None:
        """The commit that ``rev`` names (a full ref name or an oid), or None.

        The reader is not asked where the ref's own file names a commit that it has told of before.
        """
        if (
            self._objects
            and (oid := oid_in(self._git.common_dir, rev))
            and self._objects.knows(oid)
        ):
            return oid
        if self._objects and (known := self._objects.named(rev)) is not None:
            return known or None
        found = await self._git.run(
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            f"{rev}^{{commit}}",
            ok=(0, 1, 128),
        )
        return found.text if found.code == 0 else None

    async def list(self, prefix: str) -> dict[str, str]:
        """The oids of all refs at or below ``prefix``, by full name, in order."""
        listing = await self._git.run(
            "for-each-ref", "--format=%(refname)%00%(objectname)", prefix.rstrip("/")
        )
        pairs = (line.split("\0") for line in listing.text.splitlines())
        return {name: oid for name, oid in pairs}  # noqa: C416 - dict() does not type-check here

    async def move(self, ref: str, new: str, old: str, reason: str) -> None:
        """Move ``ref`` from ``old`` to ``new``; "" creates or deletes.

        Raises RefMoved when it does not hold ``old``, GitError when its lock stays held.
        """
        await self.move_all((Move(ref, new, old),), reason)

    async def delete(self, ref: str, old: str, reason: str = "clerk: delete") -> None:
        await self.move(ref, "", old, reason)

    async def hold(self, ref: str, oid: str) -> None:
        """Keep ``oid`` alive under a ref of our own, whatever that held before.

        Only below ``refs/clerk``, where nobody else moves anything; raises GitError elsewhere.
        """
        self._require_own(ref)
        await self._write([f"{_EXACTLY}update {ref}\0{oid}\0\0"], "clerk: hold", ref)

    async def let_go(self, ref: str) -> None:
        """Drop a ref of our own; nothing there is fine. Raises GitError elsewhere."""
        self._require_own(ref)
        await self._write([f"{_EXACTLY}delete {ref}\0\0"], "clerk: let go", ref)

    @staticmethod
    def _require_own(ref: str) -> None:
        if not ref.startswith("refs/clerk/"):
            raise GitError(f"{ref} is not the engine's own; it moves by compare-and-swap only")

    async def move_all(
        self, moves: Sequence[Move], reason: str, *, dropping: Sequence[str] = ()
    ) -> None:
        """Move several refs together: all of them, or (a crash aside) none.

        ``dropping`` are refs of our own that go with it, whatever they hold, if they are there.
        A lock in the way is waited for up to ``LOCK_PATIENCE_SECONDS``; whether it was a lock
        or a lost race is read from the refs, not from git's words.
        """
        for ref in dropping:
            self._require_own(ref)
        self.own_moves |= {(m.ref, m.old): m.new for m in moves if not m.ref.startswith(_OWN)}
        waited, pause = 0.0, _FIRST_PAUSE_SECONDS
        while True:
            try:
                with anyio.CancelScope(shield=True):  # killed half-way it leaves its locks
                    await self._attempt(moves, reason, dropping)
            except GitError as error:
                await self._raise_if_moved(moves)
                if waited >= LOCK_PATIENCE_SECONDS:
                    raise GitError(
                        f"{moves[0].ref} could not be moved; if no git runs, remove its .lock file: {error}"
                    ) from error
            else:
                return
            await anyio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 0.5)

    async def _attempt(self, moves: Sequence[Move], reason: str, dropping: Sequence[str]) -> None:
        orders = [
            f"{_EXACTLY}update {move.ref}\0{move.new or self._null}\0{move.old or self._null}\0"
            for move in moves
        ]
        orders += [f"{_EXACTLY}delete {ref}\0\0" for ref in dropping]
        await self._write(orders, reason, *(move.ref for move in moves))

    async def _write(self, orders: Sequence[str], reason: str, *refs: str) -> None:
        if self._writer and all(ref.startswith(_NOBODYS) for ref in refs):
            await self._writer.write(orders)
            return
        await self._git.run(
            *("update-ref", "-m", reason, "--stdin", "-z"),
            input="".join(orders).encode(),
            env=DURABLE,
        )

    async def _raise_if_moved(self, moves: Sequence[Move]) -> None:
        for move in moves:
            found = (await self.list(move.ref)).get(move.ref, "")
            if found != move.old:
                raise RefMoved(
                    f"{move.ref} is at {found or 'nothing'}, not at {move.old or 'nothing'} as expected"
                )

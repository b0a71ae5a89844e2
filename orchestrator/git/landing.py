"""Landing: the one move that counts.

What lands is the very object that was verified, by compare-and-swap from the very commit it was
built on; both are asserted from the objects again right before (``recheck``). The user's own
checkout is not part of that. Only with leave is it brought along afterwards, and only when that loses nothing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.git.command import WorkTree
from orchestrator.git.linked import entries_in, home_of
from orchestrator.git.refs import Move
from orchestrator.git.status import STATUS, read_status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from orchestrator.git.candidates import Candidate
    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects
    from orchestrator.git.recheck import Recheck
    from orchestrator.git.refs import Refs

_NAMES_A_PATH = re.compile(r"error: (Untracked|Updating|Entry) .*'.*'")


@dataclass(frozen=True, slots=True)
class TargetCheckout:
    """A work tree that has the target checked out; ``dirt`` are its uncommitted paths."""

    worktree: WorkTree
    dirt: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not self.dirt


class Landing:
    """Moves a target to a verified candidate."""

    def __init__(self, git: Git, refs: Refs, objects: Objects, recheck: Recheck) -> None:
        self._git = git
        self._refs = refs
        self._objects = objects
        self._recheck = recheck

    async def land(
        self,
        target_ref: str,
        candidate: Candidate,
        old: str,
        *,
        before: Sequence[Candidate] = (),
        held_by: Sequence[str] = (),
    ) -> None:
        """Move ``target_ref`` from ``old`` to the candidate's commit, and let go of ``held_by``.

        ``before`` are the candidates that land with it, from the one built on ``old`` to the one
        that this one was built on. Raises RefMoved when somebody moved the target meanwhile (build
        and verify anew), GitError when a candidate is not what it claims to be.
        """
        await self._recheck.chain((*before, candidate), old)
        commit = await self._objects.commit(candidate.commit)
        move = Move(target_ref, candidate.commit, old)
        await self._refs.move_all((move,), f"clerk: land {commit.subject}", dropping=held_by)

    async def checkouts_of(
        self, target_ref: str, main: WorkTree | None
    ) -> tuple[TargetCheckout, ...]:
        """Every work tree, the user's ``main`` one first, that has ``target_ref`` checked out."""
        places = self.standing_on(target_ref, main)
        return tuple([TargetCheckout(place, await self._dirt(place)) for place in places])

    async def blockers(self, checkout: WorkTree, old: str, new: str) -> tuple[str, ...]:
        """What forbids bringing ``checkout`` from ``old`` to ``new``; empty when nothing does.

        Paths with uncommitted changes, untracked paths in the way, or a sentence. May be asked
        before or after the target moved; changes nothing but the index's memory of file times.
        """
        drivers = await self._git.drivers(checkout)
        if drivers.filters:  # their files would come out unfiltered
            return (f"the repository uses filters: {', '.join(sorted(drivers.filters))}",)
        if (checkout.git_dir / "index.lock").exists():
            return (f"{checkout.git_dir / 'index.lock'} exists: git is at work there, or died",)
        if dirt := await self._dirt(checkout, against=old):
            return dirt
        # Entries that only look changed (a touched file) would stop read-tree.
        await self._git.run("update-index", "-q", "--refresh", at=checkout, ok=(0, 1))
        rehearsal = await self._git.run(
            "read-tree", "-n", "-m", "-u", old, new, at=checkout, ok=(0, 128)
        )
        if rehearsal.code:
            return tuple(_in_the_way(rehearsal.stderr))
        return await self._ignored_in_the_way(checkout, old, new)

    async def fast_forward(self, checkout: WorkTree, old: str, new: str) -> tuple[str, ...]:
        """Bring the files of ``checkout`` from ``old`` to ``new`` after the target has moved.

        Returns the blockers: empty when it is done, or was done before.
        """
        if await self._holds(checkout, new):
            return ()
        if found := await self.blockers(checkout, old, new):
            return found
        await self._git.run("read-tree", "-m", "-u", old, new, at=checkout)
        return ()

    def standing_on(self, ref: str, main: WorkTree | None) -> tuple[WorkTree, ...]:
        return standing_on(self._git.common_dir, ref, main)

    async def _ignored_in_the_way(self, checkout: WorkTree, old: str, new: str) -> tuple[str, ...]:
        """What git would write over without a word, since the person's rules ignore it."""
        told = await self._git.run(
            *("diff-tree", "-r", "-z", "--name-status", "--no-renames", "--diff-filter=AD"),
            *(old, new),
        )
        changes = list(zip(told.fields[::2], told.fields[1::2], strict=True))
        goes = {path for how, path in changes if how == "D"}
        added = [path for how, path in changes if how == "A"]
        return tuple(path for path in added if _is_taken(checkout.path, path, goes))

    async def _dirt(self, place: WorkTree, against: str = "") -> tuple[str, ...]:
        """Tracked paths with uncommitted changes; without ``against``, relative to HEAD.

        After a landing HEAD is already the new target, so what is staged must be judged against
        the old one.
        """
        answer = await self._git.run(*STATUS, "--untracked-files=no", at=place)
        status = read_status(answer.stdout)
        if not against or status.head == against:
            return status.changed
        staged = await self._git.run(
            "diff-index",
            "--cached",
            "-z",
            "--name-only",
            "--no-renames",
            "--ignore-submodules=all",
            against,
            at=place,
        )
        return tuple(dict.fromkeys((*staged.fields, *status.unstaged)))

    async def _holds(self, place: WorkTree, commit: str) -> bool:
        answer = await self._git.run(
            "diff-index", "--cached", "--quiet", "--no-ext-diff", commit, at=place, ok=(0, 1)
        )
        return answer.code == 0


def standing_on(common_dir: Path, ref: str, main: WorkTree | None) -> tuple[WorkTree, ...]:
    """Every work tree that stands on ``ref``; of the many that do not, only HEAD is read."""
    return tuple(_places(common_dir, ref, main))


def _places(common_dir: Path, ref: str, main: WorkTree | None) -> Iterator[WorkTree]:
    if main and _head_ref(str(main.git_dir)) == ref:
        yield main
    for entry in entries_in(common_dir):
        if _head_ref(entry) != ref:
            continue
        home = home_of(Path(entry))
        if home and home.is_dir():
            yield WorkTree(home, Path(entry))


def _is_taken(root: Path, path: str, goes: Collection[str]) -> bool:
    """Whether anything but folders, and what ``goes``, is where ``path`` is to come."""
    way = [Path(path), *list(Path(path).parents)[:-1]]
    return any(str(part) not in goes and _is_no_folder(root / part) for part in way)


def _is_no_folder(place: Path) -> bool:
    return place.is_symlink() or (place.exists() and not place.is_dir())


def _head_ref(git_dir: str) -> str:
    """The ref HEAD points at, read without git, which would walk every worktree for it."""
    try:
        with open(f"{git_dir}/HEAD", "rb") as file:  # noqa: PTH123 - read for every worktree there is
            head = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return os.fsdecode(head).removeprefix("ref:").strip() if head.startswith(b"ref:") else ""


def _in_the_way(complaint: bytes) -> Iterator[str]:
    """The paths named by git's refusal, or the refusal itself."""
    lines = complaint.decode("utf-8", "replace").splitlines()
    named = [line.split("'", 1)[1].rsplit("'", 1)[0] for line in lines if _NAMES_A_PATH.match(line)]
    yield from named or lines[-1:] or ["git refuses without a word"]

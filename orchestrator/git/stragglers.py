"""Checkouts that stayed behind their branch, and what a commit made in one of them took back.

The branch moved under them: git shows what landed as taken back there, and a commit there takes it
back for good. Of which commit the files are stands nowhere in git, so that is kept in a ref (``at``)
before the branch moves, beside how far it went past them (``past``); a crash loses nothing of it.
Only refs of our own are written. What a person does there is told from their index, and theirs.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.history import History
    from orchestrator.git.refs import Refs

BEHIND = "refs/clerk/behind"
_NAMED = 20
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Straggler:
    """A checkout whose files are of ``at``, while its branch went on to ``past`` and further.

    ``taken_back`` are paths that somebody committed since, as they were at ``at``.
    """

    worktree: WorkTree
    at: str
    past: str
    taken_back: tuple[str, ...] = ()

    @property
    def mend(self) -> str:
        """What a person runs; it refuses rather than lose anything of theirs."""
        if not self.taken_back:
            return how_to_follow(self.worktree, self.at)
        place = f"git -C {shlex.quote(str(self.worktree.path))}"
        paths = " ".join(map(shlex.quote, self.taken_back[:_NAMED]))
        paths += " …" if len(self.taken_back) > _NAMED else ""
        patch = f"{place} diff-tree -p --binary HEAD {self.past[:12]} -- {paths}"
        return f"{patch} | {place} apply --index"

    def told(self, target: str) -> str:
        """What a person must know of it, in a sentence."""
        place = self.worktree.path
        if self.taken_back:
            named = ", ".join(self.taken_back[:_SHOWN])
            return (
                f"a commit on {target} takes back what had landed: {named}; {place} was behind at "
                f"{self.at[:9]} when it was made; bring that back: {self.mend}"
            )
        return (
            f"{place} stayed behind {target} at {self.at[:9]}, and a commit there would take back "
            f"what has landed since; bring it up: {self.mend}"
        )


def how_to_follow(tree: WorkTree, at: str) -> str:
    """What a person runs for a checkout that was left behind at ``at``; loses none of theirs."""
    return f"git -C {shlex.quote(str(tree.path))} read-tree -m -u {at[:12]} HEAD"


class Stragglers:
    """Those of one repository."""

    def __init__(self, git: Git, refs: Refs, history: History) -> None:
        self._git = git
        self._refs = refs
        self._history = history

    async def expect(
        self, target_ref: str, trees: Sequence[WorkTree], old: str, new: str
    ) -> Mapping[WorkTree, str]:
        """Before the branch goes from ``old`` to ``new`` under them: of which commit each is.

        One that was left behind earlier stays where it was.
        """
        behind = await self.look(target_ref, trees, old, forget=False)
        at = dict.fromkeys(trees, old) | {one.worktree: one.at for one in behind}
        for tree, commit in at.items():
            place = _place(target_ref, tree)
            await self._refs.hold(f"{place}/at", commit)
            await self._refs.hold(f"{place}/past", new)
        return at

    async def look(
        self, target_ref: str, trees: Iterable[WorkTree], tip: str, *, forget: bool
    ) -> tuple[Straggler, ...]:
        """Which of ``trees``, all that stand on the branch now at ``tip``, are behind it or undid work.

        With ``forget`` the others are forgotten.
        """
        kept = await self._kept(target_ref)
        here = {_place(target_ref, tree): tree for tree in trees} if kept else {}
        found = [
            straggler
            for place, (at, past) in kept.items()
            if place in here
            and (straggler := await self._as_it_is(here[place], at, past, tip)) is not None
        ]
        if forget:
            still = {_place(target_ref, straggler.worktree) for straggler in found}
            for place in kept.keys() - still:
                await self.forget(place)
        return tuple(found)

    async def forget(self, place: str) -> None:
        await self._refs.let_go(f"{place}/past")
        await self._refs.let_go(f"{place}/at")

    async def _kept(self, target_ref: str) -> Mapping[str, tuple[str, str]]:
        """What is kept of a branch's checkouts: by place, ``at`` and ``past``."""
        refs = await self._refs.list(f"{BEHIND}/{_short(target_ref)}")
        places = [ref.removesuffix("/at") for ref in refs if ref.endswith("/at")]
        return {place: (refs[f"{place}/at"], refs.get(f"{place}/past", "")) for place in places}

    async def _as_it_is(self, tree: WorkTree, at: str, past: str, tip: str) -> Straggler | None:
        undone = await self._undone(at, past, tip)
        if undone or await self._is_behind(tree, at, tip):
            return Straggler(tree, at, past or tip, undone)
        return None

    async def _undone(self, at: str, past: str, tip: str) -> tuple[str, ...]:
        """What landed up to ``past`` and is at ``tip``, which holds it, as it was at ``at``."""
        if past in {"", tip} or not await self._history.is_ancestor(past, tip):
            return ()
        landed = await self._history.paths(at, past)
        return tuple(sorted(landed - await self._history.paths(at, tip)))

    async def _is_behind(self, tree: WorkTree, at: str, tip: str) -> bool:
        """Whether its index holds anything that has changed since ``at`` as it was then."""
        moved = await self._history.paths(at, tip)
        if not moved:
            return False
        staged = await self._git.run(
            "diff-index",
            "--cached",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=all",
            at,
            at=tree,
        )
        return bool(moved - set(staged.fields))


def _short(target_ref: str) -> str:
    return target_ref.removeprefix("refs/heads/")


def _place(target_ref: str, tree: WorkTree) -> str:
    """Where a checkout's refs are; its folder's name need not be fit for one."""
    name = hashlib.sha256(os.fsencode(tree.git_dir)).hexdigest()[:16]
    return f"{BEHIND}/{_short(target_ref)}/{name}"

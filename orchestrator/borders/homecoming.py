"""A confined session's commits, brought from its private view into the real repository.

The view is the session's to write, so git reads it inside the sandbox only, and what it tells is
taken for a claim: object names are looked at letter by letter, objects come in through the
quarantine of ``git.imports``, and the task's branch moves by compare-and-swap. Afterwards the
worktree stands as if the session had worked in the real repository, and its leftovers can be
collected like any other's. Commits the branch does not lead to are kept under refs of their own.
A view in which no ref was moved has nothing to tell, and nothing is started to ask it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.borders.view_reading import Claim, Unreadable, ViewReading
from orchestrator.crash_points import crash_point
from orchestrator.git.imports import Imported
from orchestrator.git.refs import branch_ref, stray_ref
from orchestrator.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from orchestrator.borders.enclosures import Enclosures
    from orchestrator.executors import Executor
    from orchestrator.git.command import WorkTree
    from orchestrator.git.opening import OpenRepository
    from orchestrator.git.private_view import PrivateView
    from orchestrator.sandboxes import Sandbox

MOST_STRAYS = 50


@dataclass(frozen=True, slots=True)
class Brought:
    """What came home: ``notes`` are sentences for the architect, ``scanned`` the heads let in."""

    notes: tuple[str, ...] = ()
    scanned: tuple[str, ...] = ()


class Homecoming:
    """Brings sessions' commits home, for one engine."""

    def __init__(self, git: OpenRepository, enclosures: Enclosures, executor: Executor) -> None:
        self._git = git
        self._enclosures = enclosures
        self._executor = executor

    async def bring(
        self,
        view: PrivateView,
        tree: WorkTree,
        *,
        sandbox: Sandbox,
        plan: str,
        task: str,
        branch: str,
        base: str,
        env: Mapping[str, str],
    ) -> Brought:
        """Take the session's commits in.

        What is refused stays outside, and the branch where it was: the files in the worktree are
        left for ``Leftovers``. Raises GitError when the machine fails; once more does no harm then,
        nor after a crash at any point of this.
        """
        ref, known = branch_ref(branch), set(view.known.values())
        if await self._git.views.is_untouched(view, ref):
            given = view.known[ref]
            await self._move(Claim(given, ref, {ref: given}), view, tree, branch)
            return Brought()
        async with scratch_folder() as out, scratch_folder() as notes:
            confinement = self._enclosures.of_import(sandbox, view, f"{plan}/{task}", out)
            log = notes / "log"
            reading = ViewReading(view, out, log, ref, confinement, self._executor, env)
            try:
                claim = await reading.tell()
                crash_point("import.told")
                tips = tuple(oid for oid in claim.work(ref) if oid not in known)
                imported = await self._take(reading, tips, base)
            except Unreadable as error:
                return Brought((f"the session left its repository unreadable: {error}",))
            if imported.refused:
                return Brought((imported.refused,))
            beside = _beside(claim, {*known, *tips})
            strays = await self._take_beside(reading, beside, (*known, *tips), base)
        try:
            await self._move(claim, view, tree, branch)
            for oid in () if strays.refused else beside:
                await self._git.refs.hold(stray_ref(plan, task, oid), oid)
        finally:
            self._git.imports.release(imported)
            self._git.imports.release(strays)
        crash_point("import.held")
        lost = (f"what stood beside its branch was not kept: {strays.refused}",)
        return Brought((*imported.warnings, *(lost if strays.refused else ())), tips)

    async def _take(self, reading: ViewReading, tips: tuple[str, ...], base: str) -> Imported:
        return await self._git.imports.take(reading.pack, tips, base) if tips else Imported()

    async def _take_beside(
        self, reading: ViewReading, beside: tuple[str, ...], known: Iterable[str], base: str
    ) -> Imported:
        """Other branches, tags and stashes, which few sessions leave: a pack of their own."""
        if not beside:
            return Imported()
        try:
            await reading.pack_beside(beside, known)
            return await self._take(reading, beside, base)
        except Unreadable as error:
            return Imported(refused=str(error))

    async def _move(
        self,
        claim: Claim,
        view: PrivateView,
        tree: WorkTree,
        branch: str,
    ) -> None:
        """Set the branch and the worktree's HEAD as the session left them."""
        git, ref = self._git, branch_ref(branch)
        old, new = await git.refs.resolve(ref) or "", claim.refs.get(ref, "")
        given = view.known.get(ref, "")
        if new and new != old and await self._is_commit(new):
            if old not in {"", given}:  # somebody else moved it meanwhile
                plan, task = branch.split("/")[1:]
                await git.refs.hold(stray_ref(plan, task, old), old)
            await git.refs.move(ref, new, old, "clerk: what the session committed")
            crash_point("import.branch-moved")
        elsewhere = claim.head if claim.branch != ref else ""
        if elsewhere:
            await git.git.run("update-ref", "--no-deref", "HEAD", elsewhere, at=tree)
        head = elsewhere or await git.refs.resolve(ref)
        if head and (head != given or _is_concluded(view, tree)):
            await git.git.run("read-tree", "--reset", head, at=tree)
            crash_point("import.index-set")
            _conclude(tree)
        _carry_rebase(view, tree)

    async def _is_commit(self, oid: str) -> bool:
        return await self._git.refs.resolve(oid) == oid


def _beside(claim: Claim, placed: Collection[str]) -> tuple[str, ...]:
    """Commits of other branches, tags and stashes that are new, as many as may be kept."""
    claimed = (claim.refs[name] for name in sorted(claim.refs))
    return tuple(dict.fromkeys(oid for oid in claimed if oid not in placed))[:MOST_STRAYS]


def _is_concluded(view: PrivateView, tree: WorkTree) -> bool:
    """Whether a merge that we left open for the session is open no more."""
    return (tree.git_dir / "MERGE_HEAD").exists() and not (view.admin / "MERGE_HEAD").exists()


def _carry_rebase(view: PrivateView, tree: WorkTree) -> None:
    """A rebase the session left unfinished is known by its folder alone; nothing in it is taken."""
    for name in ("rebase-merge", "rebase-apply"):
        if (view.admin / name).is_dir():
            (tree.git_dir / name).mkdir(exist_ok=True)


def _conclude(tree: WorkTree) -> None:
    for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"):
        (tree.git_dir / name).unlink(missing_ok=True)

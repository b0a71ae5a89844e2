"""What a session, a verification or an import may reach: enclosures made for each, and no wider.

A session may write its worktree, its private view of the repository and its private home; checks
have a home that is gone afterwards; an import may only read what the session left. What the plan
lends below the user's home appears in the private one: copies of files, links to folders that may
only be read; never the originals to write. Where nothing confines, none of that is made.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.errors import SetupFailed
from orchestrator.git.linked import delete_trees
from orchestrator.sandboxes import Confinement
from orchestrator.sandboxes.enclosure import Cover, Enclosure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.git.command import WorkTree
    from orchestrator.git.private_view import PrivateView, PrivateViews
    from orchestrator.sandboxes import Sandbox

MOST_LENT_BYTES = 32 << 20
"""The largest file that is copied into a private home; what is larger belongs in a folder."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A confinement and, where the sandbox confines, the view of the repository in it."""

    confinement: Confinement
    view: PrivateView | None = None


def enclosures_of(state_dir: Path) -> Path:
    """Where the private folders of jobs lie."""
    return state_dir / "enclosures"


class Enclosures:
    """Makes the enclosures of one engine, below the folder ``home`` of its state."""

    def __init__(self, views: PrivateViews, home: Path, user_home: Path) -> None:
        self._views = views
        self._home = home
        self._user_home = user_home

    async def of_session(
        self,
        sandbox: Sandbox,
        tree: WorkTree,
        *,
        who: str,
        branch: str,
        lent: Iterable[str],
        optional: Iterable[str] = (),
        readable: tuple[Path, ...] = (),
        door: Path | None = None,
    ) -> Enclosed:
        """For all jobs of one session of the task ``who`` (plan/task); its home stays with the task.

        ``lent`` are ``needs.paths``. Raises SetupFailed when one is not there that is not
        ``optional``.
        """
        if not sandbox.confines:
            return Enclosed(Confinement(sandbox, Enclosure(who)))
        home = self._home / who / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [name for name in lent if name not in optional or self._original(name).exists()]
        return await self._around(
            sandbox,
            tree,
            who=who,
            branch=branch,
            home=home,
            writable=(tree.path,),
            lent=found,
            readable=readable,
            door=door,
        )

    async def of_verification(
        self,
        sandbox: Sandbox,
        tree: WorkTree,
        *,
        scratch: Path,
        lent: Iterable[str],
    ) -> Enclosed:
        """For the checks on one checkout, with ``scratch`` as their own folder."""
        if not sandbox.confines:
            return Enclosed(Confinement(sandbox, Enclosure(tree.git_dir.name)))
        home = scratch / "home"
        home.mkdir(mode=0o700)
        who = f".verify/{tree.git_dir.name}"
        writable = (tree.path, scratch)
        return await self._around(sandbox, tree, who=who, home=home, writable=writable, lent=lent)

    def of_import(self, sandbox: Sandbox, view: PrivateView, who: str, out: Path) -> Confinement:
        """For reading what a session left in ``view``, writing to ``out`` alone."""
        covers = _shown(sandbox, view, writable=False)
        readable = () if sandbox.covers else (view.folder,)
        readable = (*readable, *_lenders(sandbox, view))
        enclosure = Enclosure(who, covers=covers, writable=(out,), readable=readable)
        return Confinement(sandbox, enclosure)

    def of_snapshot(
        self,
        sandbox: Sandbox,
        tree: WorkTree,
        view: PrivateView | None,
        *,
        objects: tuple[Path, ...],
        who: str,
        out: Path,
    ) -> Confinement:
        """For reading the files in ``tree`` while its session works there, writing to ``out`` alone.

        Without a ``view`` its history is in the real ``objects``.
        """
        if view is None:
            enclosure = Enclosure(who, writable=(out,), readable=(tree.path, *objects))
            return Confinement(sandbox, enclosure)
        return self.of_import(sandbox, view, who, out).lending((tree.path,))

    def view_of(self, who: str) -> Path:
        """Where the private view of a task's sessions lies."""
        return self._home / who / "view"

    async def drop(self, who: str) -> None:
        """Remove what a task's sessions had of their own."""
        await delete_trees(self._home / who)

    async def _around(
        self,
        sandbox: Sandbox,
        tree: WorkTree,
        *,
        who: str,
        home: Path,
        writable: tuple[Path, ...],
        lent: Iterable[str],
        branch: str = "",
        readable: tuple[Path, ...] = (),
        door: Path | None = None,
    ) -> Enclosed:
        view = await self._views.make(
            self.view_of(who),
            tree,
            sandbox=sandbox.name,
            branch=branch,
            borrowed_at=sandbox.objects_at(tree.git_dir.parent.parent / "objects"),
        )
        seen = await anyio.to_thread.run_sync(self._lend, tuple(lent), home)
        pointer = tree.path / ".git"
        if not sandbox.covers:
            pointer.write_text(f"gitdir: {view.admin}\n", "utf-8", "surrogateescape")
            writable = (*writable, view.folder)
        enclosure = Enclosure(
            who,
            home=home,
            writable=writable,
            fixed=(pointer,),
            readable=(*seen, *readable, *_lenders(sandbox, view)),
            covers=_shown(sandbox, view, writable=True),
            door=door,
        )
        return Enclosed(Confinement(sandbox, enclosure), view)

    def _original(self, name: str) -> Path:
        return self._user_home / name[2:] if name.startswith("~/") else Path(name)

    def _lend(self, lent: tuple[str, ...], home: Path) -> tuple[Path, ...]:
        """Files below the user's home are copied into the private one, folders linked and shown."""
        seen = []
        for name in lent:
            source = self._original(name)
            if not source.exists():
                raise SetupFailed(
                    f"needs.paths: {name!r} is not on this machine; make it or drop it"
                )
            if not source.is_file() or not source.is_relative_to(self._user_home):
                seen.append(source)
            if source.is_relative_to(self._user_home):
                _place(name, source, home, source.relative_to(self._user_home))
        return tuple(seen)


def _shown(sandbox: Sandbox, view: PrivateView, *, writable: bool) -> tuple[Cover, ...]:
    if not sandbox.covers:
        return ()
    real = view.over / "objects"
    return (
        Cover(view.over, view.folder, writable=writable),
        Cover(sandbox.objects_at(real), real, writable=False),
    )


def _lenders(sandbox: Sandbox, view: PrivateView) -> tuple[Path, ...]:
    """The object folders to show at their own paths; where it is covered, not the first."""
    return view.objects[1:] if sandbox.covers else view.objects


def _place(name: str, source: Path, home: Path, within: Path) -> None:
    """A copy of a file, or a link to a folder, at its place in a home that a job may have written."""
    try:
        place = _cleared(home, within)
        if source.is_dir():
            place.symlink_to(source)
        elif source.stat().st_size > MOST_LENT_BYTES:
            raise SetupFailed(f"needs.paths: {name!r} is too large to be copied; lend its folder")
        else:
            shutil.copy2(source, place)
    except (OSError, RecursionError) as error:  # a folder too deep for rmtree stood there
        raise SetupFailed(f"needs.paths: {name!r} could not be lent: {error}") from error


def _cleared(home: Path, within: Path) -> Path:
    """The free path ``home/within``, below folders only: nothing is written through a job's link."""
    place = home
    for part in within.parent.parts:
        place /= part
        if place.is_symlink() or place.is_file():
            place.unlink()
        place.mkdir(mode=0o700, exist_ok=True)
    place /= within.name
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    return place

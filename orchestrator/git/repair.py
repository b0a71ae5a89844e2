"""What a crash can leave in a repository, mended when the engine starts.

Only while the engine's lock is held, so that no git of ours runs. Touches what is ours alone:
admin folders whose worktree lies in our folder, and refs below ``refs/heads/clerk`` and
``refs/clerk``. The user's locks and worktrees are reported, never removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.git.imports import sweep
from orchestrator.git.linked import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.git.linked import LinkedWorktrees

_OUR_REFS = ("refs/heads/clerk", "refs/clerk")
_PARTS = ("commondir", "HEAD", "index")
"""What an admin folder has once its worktree was checked out."""

_SHARED_LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock")


async def repair(common_dir: Path, linked: LinkedWorktrees) -> tuple[str, ...]:
    """Mend what a killed engine left; one sentence for each thing done or found.

    A killed ``worktree add`` can leave an entry without ``commondir``, which breaks ``branch
    -a``, ``gc`` and ``worktree list`` for the whole repository, and which git itself never
    prunes. Half-made worktrees held no work: their session never started.
    """
    notes = [*_foreign(common_dir, linked)]
    for entry in linked.entries():
        if (home := home_of(entry)) and home.is_relative_to(linked.home):
            notes += _unlock(entry)
            notes += await _mend(linked, entry, home)
    for refs in _OUR_REFS:
        notes += _unlock(common_dir / refs)
    notes += await sweep(common_dir)
    await linked.empty_trash()
    return tuple(notes)


async def _mend(linked: LinkedWorktrees, entry: Path, home: Path) -> list[str]:
    name = home.relative_to(linked.home).as_posix()
    if name in linked.names():
        linked.find(name)  # puts its pointers right
        return []
    if home.is_dir() and all(_has_content(entry / part) for part in _PARTS):
        linked.record(name, entry.name)
        return [f"found the worktree {name} again"]
    await linked.discard(name)
    return [f"removed what was left of the worktree {name}"]


def _has_content(path: Path) -> bool:
    return path.is_file() and bool(path.read_bytes().strip(b"\0 \n"))


def _unlock(folder: Path) -> Iterator[str]:
    locks = sorted(folder.rglob("*.lock")) if folder.is_dir() else []
    for lock in locks:
        lock.unlink()
        yield f"removed the stale lock {lock.name} in {folder.name}"


def _foreign(common_dir: Path, linked: LinkedWorktrees) -> Iterator[str]:
    for name in _SHARED_LOCKS:
        if (common_dir / name).exists():
            yield f"{common_dir / name} exists; if no git runs here, remove it"
    for entry in linked.entries():
        home = home_of(entry)
        foreign = home is not None and not home.is_relative_to(linked.home)
        if foreign and not _has_content(entry / "commondir"):
            yield f"the worktree entry {entry} is broken and disturbs git; if no git runs, remove it"

"""Linked worktrees, made and removed without git's races.

``git worktree add`` in parallel fails up to half the time, because each add walks the half-made
entries of the others, and so does whatever git the user runs meanwhile; killed, it leaves one. So
the entry, three files of a documented layout, is written aside and renamed into place whole: git
meets it finished or not at all, and three processes are saved. Removing renames first, too: the
path is free at once, however long deleting takes.

Which admin folder belongs to a path is known from making it, before an agent ever stood there, and
kept by us: the ``.git`` file is the agent's to rewrite.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.command import WorkTree
from orchestrator.git.environment import search_path
from orchestrator.git.refs import branch_ref
from orchestrator.supervision import process, small_trees

if TYPE_CHECKING:
    from orchestrator.git.command import Git
    from orchestrator.supervision.job import Completed

TRASH = ".trash"
_COMMON = "../..\n"
"""Where an admin folder finds the repository it belongs to."""


class LinkedWorktrees:
    """Adds, finds and removes linked worktrees below ``home``.

    ``ledger`` is a folder of ours: one file per finished worktree, holding its admin folder's
    name. A worktree without one is half-made.
    """

    def __init__(self, git: Git, home: Path, ledger: Path) -> None:
        self._git = git
        self._ledger = ledger
        self._admin_trash = ledger.with_name(f"{ledger.name}-trash")
        self.home = home

    async def add(self, name: str, commit: str, *, branch: str | None = None) -> WorkTree:
        """A worktree ``home/name`` holding ``commit``: on ``branch``, which is there, or detached.

        What a crash left at that path is removed first. Raises GitError when there is no such
        commit.
        """
        await self.discard(name)
        path = self.home / name
        # What a job makes in there, say a program that runs as its owner, is not for others.
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(parents=True)
        tree = WorkTree(path, self._enter(path, f"ref: {branch_ref(branch)}" if branch else commit))
        crash_point("worktree.added")
        await self._git.run("read-tree", "--reset", "-u", commit, at=tree)
        crash_point("worktree.filled")
        self.record(name, tree.git_dir.name)
        crash_point("worktree.recorded")
        return tree

    def _enter(self, path: Path, head: str) -> Path:
        """The admin folder of a new worktree; pruning passes it over, since ``.git`` is there first."""
        draft = self._admin_trash / uuid.uuid4().hex
        draft.mkdir(parents=True)
        (draft / "HEAD").write_text(f"{head}\n", "utf-8")
        (draft / "commondir").write_text(_COMMON, "utf-8")
        (draft / "gitdir").write_bytes(os.fsencode(f"{path / '.git'}\n"))
        entries = self._git.common_dir / "worktrees"
        entries.mkdir(exist_ok=True)
        for number in count():
            admin = entries / f"{path.name}{number or ''}"
            if os.path.lexists(admin):
                continue
            (path / ".git").write_bytes(os.fsencode(f"gitdir: {admin}\n"))
            with suppress(FileExistsError, NotADirectoryError):  # somebody was quicker
                _renamed(draft, admin)
                return admin
        raise AssertionError  # there is always another number

    def find(self, name: str) -> WorkTree | None:
        """The finished worktree ``home/name`` if it still stands; its ``.git`` file is mended."""
        tree = self.glance(name)
        if tree is not None:
            open_up(tree.path)
            self._mend(tree)
        return tree

    def glance(self, name: str) -> WorkTree | None:
        """The same, untouched: a session may be at work there."""
        try:
            admin = self._ledger.joinpath(name).read_text("utf-8")
        except FileNotFoundError:
            return None
        tree = WorkTree(self.home / name, self._git.common_dir / "worktrees" / admin)
        if tree.path.is_symlink() or not tree.path.is_dir():
            return None
        return tree if (tree.git_dir / "HEAD").is_file() else None

    def stands(self, name: str) -> bool:
        """Whether anything of the worktree ``home/name`` is there, finished or not."""
        return os.path.lexists(self.home / name) or self._ledger.joinpath(name).exists()

    def names(self) -> tuple[str, ...]:
        """The names of all finished worktrees."""
        files = (entry for entry in self._ledger.rglob("*") if entry.is_file())
        return tuple(sorted(entry.relative_to(self._ledger).as_posix() for entry in files))

    async def discard(self, name: str) -> None:
        """Remove the worktree ``home/name``, finished or not; nothing there is fine.

        Its branch stays. The path is free and git has forgotten it before the files are gone.
        """
        path = self.home / name
        self._ledger.joinpath(name).unlink(missing_ok=True)
        doomed = [to_trash(path, self.home / TRASH)] if os.path.lexists(path) else []
        crash_point("worktree.trashed")
        doomed += [to_trash(entry, self._admin_trash) for entry in self.entries_of(path)]
        crash_point("worktree.forgotten")
        await delete_trees(*doomed)

    def entries(self) -> tuple[Path, ...]:
        """Git's admin folders of all linked worktrees, ours and the user's."""
        return tuple(map(Path, entries_in(self._git.common_dir)))

    def entries_of(self, path: Path) -> tuple[Path, ...]:
        """The admin folders that say they belong to ``path``."""
        wanted = os.fsencode(path / ".git")
        entries = entries_in(self._git.common_dir)
        return tuple(Path(entry) for entry in entries if _recorded(entry) == wanted)

    async def empty_trash(self) -> None:
        """Delete what a crash left half-deleted, or half-written."""
        for half in tuple(self._ledger.rglob(".*.new")):
            half.unlink()
        for trash in (self.home / TRASH, self._admin_trash):
            await delete_trees(*(sorted(trash.iterdir()) if trash.is_dir() else ()))

    def record(self, name: str, admin: str) -> None:
        """Put the worktree ``home/name`` with its admin folder's name on the ledger."""
        entry = self._ledger / name
        entry.parent.mkdir(parents=True, exist_ok=True)
        fresh = entry.with_name(f".{entry.name}.new")
        fresh.write_text(admin, "utf-8")
        fresh.replace(entry)

    def _mend(self, tree: WorkTree) -> None:
        """Put back the pointers between a worktree and its admin folder if they were changed."""
        self._ensure(tree.path / ".git", f"gitdir: {tree.git_dir}\n")
        self._ensure(tree.git_dir / "gitdir", f"{tree.path / '.git'}\n")
        self._ensure(tree.git_dir / "commondir", _COMMON)

    def _ensure(self, pointer: Path, wanted: str) -> None:
        content = os.fsencode(wanted)
        if pointer.is_file() and not pointer.is_symlink() and pointer.read_bytes() == content:
            return
        if os.path.lexists(pointer):
            to_trash(pointer, self.home / TRASH)
        pointer.write_bytes(content)


def _renamed(draft: Path, admin: Path) -> None:
    """Where our state lies on a file system of its own, git may meet the entry before it is whole."""
    try:
        draft.rename(admin)
    except OSError as error:
        if error.errno == errno.EXDEV:
            shutil.copytree(draft, admin)
            shutil.rmtree(draft)
        elif error.errno == errno.ENOTEMPTY:
            raise FileExistsError(admin) from error
        else:
            raise


def open_up(folder: Path) -> None:
    """Let its owner, who runs the engine, into a worktree whose session shut itself in."""
    found = folder.lstat().st_mode
    if stat.S_ISDIR(found) and found & stat.S_IRWXU != stat.S_IRWXU:
        folder.chmod(stat.S_IMODE(found) | stat.S_IRWXU)


def to_trash(path: Path, trash: Path) -> Path:
    """``path`` moved to the folder ``trash`` of the same file system, where it awaits deletion."""
    trash.mkdir(parents=True, exist_ok=True)
    place = trash / uuid.uuid4().hex
    try:
        return path.rename(place)
    except PermissionError:
        if path.is_symlink():
            raise
        path.chmod(0o700)  # moving a folder writes its "..", which its owner may have forbidden
        return path.rename(place)


def home_of(entry: Path) -> Path | None:
    """The worktree an admin folder belongs to, as git recorded it; None when it cannot tell."""
    recorded = _recorded(str(entry))
    return Path(os.fsdecode(recorded)).parent if recorded.strip() else None


def entries_in(common_dir: Path) -> list[str]:
    """The paths of all admin folders, as text: they are looked through for every worktree."""
    folder = f"{common_dir}/worktrees"
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder))]  # noqa: PTH208 - as said
    except FileNotFoundError:
        return []


def _recorded(entry: str) -> bytes:
    """The path of the ``.git`` file that an admin folder names; empty when it names none."""
    try:
        with open(f"{entry}/gitdir", "rb") as file:  # noqa: PTH123 - read for every worktree there is
            return file.read().removesuffix(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return b""


async def delete_trees(*paths: Path) -> None:
    """Delete ``paths`` and all below them, thousands of folders deep and unreadable ones too.

    Large ones by ``rm``: Python's own runs out of stack, git's out of path length. Raises GitError.
    """
    doomed = [str(path) for path in paths if not small_trees.removed(path)]
    if not doomed:
        return
    done = await _command("rm", "-rf", "--", *doomed)
    if done.code == 0:
        return
    await _command("chmod", "-R", "u+rwX", "--", *doomed)
    done = await _command("rm", "-rf", "--", *doomed)
    if done.code:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(f"{doomed[0]} could not be removed: {said[-1] if said else 'rm failed'}")


async def _command(*argv: str) -> Completed:
    env = {"PATH": search_path(), "LC_ALL": "C"}
    return await process.run(argv, cwd="/", env=env, timeout_seconds=None)

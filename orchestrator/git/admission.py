"""Which of a session's files git may be given.

A pipe, a socket or an endless sparse file would hang git or fill the object store; a repository
inside the worktree would come in as a bare link and its files be lost. Each path is looked at,
never opened, before git gets it; what is left out is told in a sentence.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.git.status import Status

MAX_FILE_BYTES = 100 * 1024 * 1024


def admitted(top: Path, status: Status) -> tuple[list[str], tuple[str, ...]]:
    """The paths git may take, and a sentence for each it must not."""
    wanted, notes = [], []
    for path in (*status.changed, *status.untracked):
        if reason := _refusal(top / path):
            notes.append(f"left out {path}: {reason}")
        else:
            wanted.append(path)
    return wanted, tuple(notes)


def beyond_links(top: Path, paths: Iterable[str]) -> frozenset[str]:
    """Those of ``paths`` on whose way there is a link now: what git had there is gone.

    Git will not look at such a path, and whatever the link leads to is no part of the tree.
    """
    links: dict[str, bool] = {}

    def is_link(folder: str) -> bool:
        if folder not in links:
            links[folder] = (top / folder).is_symlink()
        return links[folder]

    return frozenset(path for path in paths if any(map(is_link, _parents(path))))


def listed(paths: Iterable[str]) -> bytes:
    """Paths as ``-z --stdin`` takes them."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _parents(path: str) -> Iterator[str]:
    at = path.find("/")
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _refusal(path: Path) -> str:
    try:
        found = path.lstat()
    except OSError:  # gone, or its folder is: git records the removal
        return ""
    if stat.S_ISDIR(found.st_mode):
        return "it is a git repository of its own" if (path / ".git").exists() else ""
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        return "it is a pipe, a socket or a device"
    if found.st_size > MAX_FILE_BYTES:
        return f"it has {found.st_size // 2**20} MiB, more than {MAX_FILE_BYTES // 2**20}"
    return ""


def special_file(top: Path) -> Path | None:
    """The first pipe, socket or device below ``top``."""
    for folder in _folders(top):
        for entry in _entries(folder):
            if not entry.is_dir(follow_symlinks=False) and _is_special(Path(entry)):
                return Path(entry)
    return None


def clear_pipes(top: Path, folders: Iterable[Path] | None = None) -> tuple[str, ...]:
    """Remove what git would read and wait for without end; a sentence for each.

    Looks in ``folders``, or everywhere below ``top``.
    """
    return tuple(
        f"removed {path.relative_to(top)}: it is a pipe, a socket or a device"
        for folder in (_folders(top) if folders is None else folders)
        for path in (folder / ".gitignore", folder / ".gitattributes")
        if _is_special(path) and _removed(path)
    )


def _folders(top: Path) -> Iterator[Path]:
    """``top`` and all folders below it; ``os.walk`` runs out of stack where they are nested deep."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        yield folder
        waiting += [Path(e) for e in _entries(folder) if e.is_dir(follow_symlinks=False)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing in one that cannot be read, or whose path is too long."""
    try:
        with os.scandir(folder) as listing:
            return list(listing)
    except OSError:
        return []


def folders_of(top: Path, paths: Iterable[str]) -> set[Path]:
    """The folders from ``top`` down to ``paths``, in each of which git looks for attributes."""
    return {top / parent for path in paths for parent in Path(path).parents}


def _is_special(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode))


def _removed(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True


def with_markers(top: Path, unmerged: Iterable[str]) -> tuple[str, ...]:
    """Those of the files in conflict that still hold conflict markers."""
    return tuple(path for path in unmerged if _has_markers(top, path))


def _has_markers(top: Path, path: str) -> bool:
    """Never through a link: a folder on the way may lead to any file of this machine."""
    place = os.path.join(os.path.realpath(top), path)  # noqa: PTH118 - exact, as git wrote it
    try:
        if os.path.realpath(place) != place or not Path(place).is_file():
            return False
        if Path(place).stat().st_size > MAX_FILE_BYTES:
            return False
        content = b"\n" + Path(place).read_bytes()
    except OSError:  # it may not be read
        return False
    return b"\n<<<<<<< " in content and b"\n>>>>>>> " in content

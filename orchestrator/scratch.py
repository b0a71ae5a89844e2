"""A private folder that is gone afterwards, whatever was done to it.

Whoever is killed leaves its folders behind. They bear the mark of the repository they were
made for, by which its next engine finds them (``sweep``). Commands leave trees thousands of folders deep, and folders without permissions; ``rm`` copes with
the former where ``shutil.rmtree`` runs out of stack.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.supervision import orphans, process, small_trees

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SECONDS = 300.0
_LONGEST_HOME = 56
_SHORT_HOME = Path("/tmp")  # noqa: S108 - a folder of mode 0700 is made in it
"""A socket's whole path has 107 bytes at most, and a service's folder lies two levels deeper."""


def make_folder() -> Path:
    """A fresh folder of mode 0700 with a short path, since sockets are made in such folders."""
    return Path(tempfile.mkdtemp(prefix=_prefix(), dir=_home())).resolve()


async def sweep() -> None:
    """Remove what killed engines of this repository left; only while holding its lock."""
    for folder in _home().glob(f"{_prefix()}*"):
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and os.geteuid() in (0, found.st_uid):
            await _remove(folder)


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """A folder of ``make_folder`` that is removed at the end, also when cancelled."""
    folder = make_folder()
    try:
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            await _remove(folder)


def _home() -> Path:
    """The temporary folder that was asked for, unless sockets in it could not be opened."""
    wanted = Path(tempfile.gettempdir())
    return wanted if len(os.fsencode(wanted)) <= _LONGEST_HOME else _SHORT_HOME


def _prefix() -> str:
    """Marked as the engine's processes are: by its repository, which its cookie begins with."""
    return f"clerk-{orphans.full_cookie('').partition('.')[0]}-"


async def _remove(folder: Path) -> None:
    if small_trees.removed(folder):
        return
    env = {"PATH": os.defpath}
    for argv in (
        ("rm", "-rf", "--", str(folder)),
        ("chmod", "-R", "u+rwx", "--", str(folder)),
        ("rm", "-rf", "--", str(folder)),
    ):
        if not folder.exists():
            return
        await process.run(argv, cwd="/", env=env, timeout_seconds=_SECONDS)

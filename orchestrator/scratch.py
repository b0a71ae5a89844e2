"""A private folder that is gone afterwards, whatever was done to it.

Commands leave trees thousands of folders deep, and folders without permissions; ``rm`` copes with
the former where ``shutil.rmtree`` runs out of stack.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator import process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SECONDS = 300.0


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """A fresh folder of mode 0700, removed at the end, also when cancelled.

    Its path is short, since sockets are made in such folders.
    """
    folder = Path(tempfile.mkdtemp(prefix="clerk-")).resolve()
    try:
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            await _remove(folder)


async def _remove(folder: Path) -> None:
    if _removed_at_once(folder):
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


def _removed_at_once(folder: Path) -> bool:
    """Remove a folder that holds only files and empty folders, as most do: no command is needed."""
    try:
        for entry in list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                entry.rmdir()
            else:
                entry.unlink()
        folder.rmdir()
    except OSError:
        return False
    return True

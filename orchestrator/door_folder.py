"""Where the engine's sockets lie, and who may come there.

The owner's door is in a folder of the owner's alone; the sessions' is in one that any user may pass
but not list, since confined sessions have users of their own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import scratch
from orchestrator.errors import CannotRun

if TYPE_CHECKING:
    from orchestrator.git.repository import Repository

MAX_SOCKET_PATH = 100
"""Unix sockets' paths end at 107 bytes; a longer one moves to a private temporary folder."""

OWNER_DOOR = "engine.sock"
SESSION_DOOR = Path("door", "session.sock")


def make_private(folder: Path) -> None:
    """Make a folder that is its owner's alone; raises CannotRun where that cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"{folder} cannot be made: {error.strerror}; is it read-only?") from error


def make_passable(folder: Path) -> None:
    """Anybody may reach what is in it by name, and nobody else list or change it."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)


def place_of(repository: Repository) -> Path:
    """Where the engine's sockets lie."""
    if len(os.fsencode(repository.state_dir / SESSION_DOOR)) <= MAX_SOCKET_PATH:
        return repository.state_dir
    return scratch.make_folder()


def leave(doors: Path, home: Path) -> None:
    """Remove the folders that were made for sockets alone."""
    with suppress(OSError):
        (doors / SESSION_DOOR).parent.rmdir()
    if doors != home:
        with suppress(OSError):
            doors.rmdir()

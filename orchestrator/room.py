"""Room left on a disk, asked before something is written that must not stop half-way.

On a full disk every session and check fails for no fault of its agent. So an engine ends before
it puts such failures on record, and goes on from where it was when there is room again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.errors import GroundLost

if TYPE_CHECKING:
    from pathlib import Path

LEAST_BYTES = 1 << 20


def require_room(folder: Path, least: int = LEAST_BYTES) -> None:
    """Raise GroundLost when the disk of ``folder`` has less than ``least`` bytes left for us.

    A file system that counts no blocks at all cannot tell and is taken at its word.
    """
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise GroundLost(f"{folder} is out of reach: {error.strerror}") from error
    if found.f_blocks and found.f_bavail * found.f_frsize < least:
        raise GroundLost(
            f"no space is left on the disk of {folder}; nothing more was started or written."
            " Free some and run the same command again to go on"
        )

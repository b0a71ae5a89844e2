"""What a verdict depends on besides the tree: what setup brings in from the user's checkout.

Copied files count by their content. Shared folders are too large to read each time, so their
first ``ENTRIES`` entries, the upper levels first, count by name, size and time: installing,
upgrading or removing a package changes those. An edit made by hand deep inside one goes unseen.
"""

from __future__ import annotations

import hashlib
import stat
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.plan.model import Worktree

ENTRIES = 2_000
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``copied``: content by path; ``shared``: ``path@fingerprint``. As ``cache_key`` takes them."""

    copied: Mapping[str, str]
    shared: tuple[str, ...]


def surroundings(wanted: Worktree, main_checkout: Path | None) -> Surroundings:
    """The fingerprints of what ``wanted`` takes from ``main_checkout`` now. Reads only."""
    if main_checkout is None:
        return Surroundings({}, ())
    return Surroundings(
        copied={name: _content(main_checkout / name) for name in wanted.copy_},
        shared=tuple(f"{name}@{_outline(main_checkout / name)}" for name in wanted.share),
    )


def _content(path: Path) -> str:
    """A hash over the content of a file, or of all files in a folder."""
    digest = hashlib.sha256()
    found = False
    for name, entry, status in _walk(path):
        found = True
        digest.update(repr((name, status.st_mode)).encode())
        if stat.S_ISREG(status.st_mode):
            with entry.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest() if found else MISSING


def _outline(path: Path) -> str:
    """A hash over names, sizes and times of the upper entries."""
    digest = hashlib.sha256()
    found = False
    for name, _entry, status in islice(_walk(path), ENTRIES):
        found = True
        digest.update(repr((name, status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest() if found else MISSING


def _walk(path: Path) -> Iterator[tuple[str, Path, os.stat_result]]:
    """``path`` and what is in it, level by level, in the order of names; links not followed."""
    root = path.resolve()
    waiting = deque([root])
    while waiting:
        entry = waiting.popleft()
        try:
            status = entry.lstat()
            if stat.S_ISDIR(status.st_mode):
                waiting += sorted(entry.iterdir())
        except OSError:
            continue
        yield str(entry.relative_to(root)), entry, status

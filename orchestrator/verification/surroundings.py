"""What a verdict depends on besides the tree: what setup brings in, and what is lent.

Copied files count by their content. Shared and lent folders are too large to read each time, so
their first ``ENTRIES`` entries, the upper levels first, count by name, size and time, and so do
the package managers' own records of what is installed: installing, upgrading or removing a
package changes those. An edit made by hand deep inside one goes unseen.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.plan.model import Worktree

ENTRIES = 2_000
MISSING = "missing"

_RECORDS = (
    ".package-lock.json",  # npm
    ".yarn-integrity",
    ".yarn-state.yml",
    ".modules.yaml",  # pnpm
    "lib/python3*/site-packages/*.dist-info/RECORD",
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``copied``: content by path; ``shared`` and ``lent``: ``path@fingerprint``."""

    copied: Mapping[str, str]
    shared: tuple[str, ...]
    lent: tuple[str, ...] = ()


def surroundings(wanted: Worktree, main_checkout: Path | None, home: Path) -> Surroundings:
    """The fingerprints of what ``wanted`` takes from ``main_checkout`` and ``home`` now. Reads only."""
    lent = tuple(f"{name}@{_outline(_lent_at(name, home))}" for name in wanted.needs.paths)
    if main_checkout is None:
        return Surroundings({}, (), lent)
    return Surroundings(
        copied={name: _content(main_checkout / name) for name in wanted.copy_},
        shared=tuple(f"{name}@{_outline(main_checkout / name)}" for name in wanted.share),
        lent=lent,
    )


def _lent_at(name: str, home: Path) -> Path:
    return home / name[2:] if name.startswith("~/") else Path(name)


def _content(path: Path) -> str:
    """A hash over the content of a file, or of all files in a folder."""
    digest = hashlib.sha256()
    found = False
    for name, place, status in _walk(path):
        found = True
        digest.update(repr((name, status.st_mode)).encode())
        if stat.S_ISLNK(status.st_mode):
            digest.update(os.fsencode(os.readlink(place)))  # noqa: PTH115 - as walked
        elif stat.S_ISREG(status.st_mode):
            with open(place, "rb") as file:  # noqa: PTH123 - as walked
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest() if found else MISSING


def _outline(path: Path) -> str:
    """A hash over names, sizes and times of the upper entries, and of what records packages."""
    digest = hashlib.sha256()
    found = False
    for name, _place, status in islice(_walk(path), ENTRIES):
        found = True
        digest.update(repr((name, status.st_size, status.st_mtime_ns)).encode())
    for record in _records(path):
        status = record.stat()
        digest.update(repr((str(record), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest() if found else MISSING


def _records(path: Path) -> list[Path]:
    return sorted(
        record for pattern in _RECORDS for record in path.glob(pattern) if record.is_file()
    )


def _walk(path: Path) -> Iterator[tuple[str, str, os.stat_result]]:
    """``path`` and what is in it, level by level, in the order of names; links not followed.

    In the words of ``os`` throughout: of thousands of entries, objects for paths are most of the time.
    """
    root = os.path.realpath(path)
    try:
        status = os.lstat(root)
    except OSError:
        return
    yield ".", root, status
    waiting = deque([("", root)] if stat.S_ISDIR(status.st_mode) else [])
    while waiting:
        name, folder = waiting.popleft()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            within = f"{name}{entry.name}"
            yield within, entry.path, status
            if stat.S_ISDIR(status.st_mode):
                waiting.append((f"{within}/", entry.path))

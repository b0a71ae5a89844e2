"""All that a refused command could have changed: files, refs, stored rows, processes.

Taken before and after, compared whole. The engine's own lock, log and empty database may appear
in its state folder; a row of a plan, task or event in it may not.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

ROWS = ("plan", "task", "attempt", "verification", "landing")


@dataclass(frozen=True)
class Fingerprint:
    """A home with a repository in it, at one moment."""

    files: dict[str, object]
    rows: dict[str, int]
    processes: frozenset[int]

    @classmethod
    def of(cls, home: Path, state: Path) -> Fingerprint:
        return cls(_files(home, state), _rows(state / "clerk.db"), _processes(home))


def _files(home: Path, state: Path) -> dict[str, object]:
    """Every path below ``home`` but the state folder, with what it is and holds."""
    found: dict[str, object] = {}
    for folder, folders, names in os.walk(home):
        folders[:] = [name for name in folders if Path(folder, name) != state]
        for name in (*folders, *names):
            path = Path(folder, name)
            found[os.fsdecode(os.fsencode(path))] = _content(path)
    return found


def _content(path: Path) -> object:
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        return path.readlink()
    if stat.S_ISREG(facts.st_mode) and facts.st_size < 10_000_000:
        return facts.st_mode, path.read_bytes()
    return facts.st_mode, facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def _rows(database: Path) -> dict[str, int]:
    if not database.is_file():
        return {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in tables if name in ROWS]
        counts = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
        }
    connection.close()
    return {name: count for name, count in counts.items() if count}


def _processes(home: Path) -> frozenset[int]:
    """The processes that know of ``home``: by their HOME, their folder or their arguments."""
    mark = os.fsencode(home)
    return frozenset(
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _knows(entry, mark)
    )


def _knows(entry: Path, mark: bytes) -> bool:
    try:
        told = entry.joinpath("environ").read_bytes() + entry.joinpath("cmdline").read_bytes()
        return mark in told or mark in os.fsencode(entry.joinpath("cwd").readlink())
    except OSError:  # it has ended meanwhile, or is not ours
        return False

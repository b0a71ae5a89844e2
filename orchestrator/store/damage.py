"""Moving a damaged database aside: never deleted, never written to again.

Somebody may want to look into it, and a mistaken verdict must cost nothing. The log goes first:
an old log beside a new database would be taken for the new one's.
"""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from orchestrator.errors import StoreDamaged, StoreError
from orchestrator.store.database import is_empty, sqlite_file

if TYPE_CHECKING:
    from pathlib import Path

_COMPANIONS = ("-wal", "-shm", "-journal", "")


def refuse_empty(url: str) -> None:
    """Raise StoreDamaged for a file without content.

    SQLite takes it for a new database; but who holds the lock knows that nobody is just making
    one, so that it was cut off.
    """
    file = sqlite_file(url)
    if file is not None and is_empty(file):
        raise StoreDamaged(f"the database {file} is damaged (it is empty)")


def set_aside(url: str) -> Path:
    """Move an SQLite file with its companions to ``<file>.corrupt-<time>``; returns that path.

    Raises StoreError when it cannot be moved.
    """
    file = sqlite_file(url)
    if file is None:
        raise StoreError("a database on a server is not moved aside from here")
    aside = _free_name(file)
    try:
        for companion in _COMPANIONS:
            part = file.with_name(file.name + companion)
            if part.is_symlink() or part.exists():
                part.rename(aside.with_name(aside.name + companion))
    except OSError as error:
        raise StoreError(f"{file} is damaged and cannot be moved aside: {error}") from error
    return aside


def _free_name(file: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{file.name}.corrupt-{stamp}{f'.{n}' if n else ''}" for n in count())
    return next(path for path in map(file.with_name, names) if not path.exists())

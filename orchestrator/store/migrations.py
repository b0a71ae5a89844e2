"""The steps from each shape of the tables to the next, oldest first.

Written out as they were on their day, not derived from ``rows``, which go on changing. Append
only: never edit one that was released, since databases brought up by it are out there.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

Migration = Callable[[Connection], None]


def _rebuilt_at(connection: Connection) -> None:
    """2: whether a plan was rebuilt from git after its state was lost."""
    connection.exec_driver_sql("ALTER TABLE plan ADD COLUMN rebuilt_at FLOAT NOT NULL DEFAULT 0")


MIGRATIONS: tuple[Migration, ...] = (_rebuilt_at,)
"""The nth one brings version n to n + 1."""

"""Which shape of the tables a database has, and how an old one is brought up.

The version stands in ``meta``. A newer one is refused before anything is written; an older one
is copied aside and brought up step by step in one transaction: a kill in between leaves it old.
To change the tables, change ``rows`` and append to ``migrations``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, inspect, select, update

from orchestrator.crash_points import crash_point
from orchestrator.errors import NothingStored, StoreError
from orchestrator.store.migrations import MIGRATIONS
from orchestrator.store.rows import MetaRow

if TYPE_CHECKING:
    from orchestrator.store.database import Database

_TABLES = MetaRow.metadata
_META = _TABLES.tables["meta"]
_VERSION = "schema"
_GENERATION = "generation"
_READ_GENERATION = select(_META.c.value).where(_META.c.key == _GENERATION)
_HOLD_GENERATION = _READ_GENERATION.with_for_update()


def schema_version() -> int:
    """The version this program writes."""
    return 1 + len(MIGRATIONS)


def prepare(database: Database, *, backed_up: bool = False) -> None:
    """Make the tables, or bring them up; raises StoreError for what cannot be.

    ``backed_up`` is leave to bring up tables on a server; a file is copied anyway.
    """
    version = _stored_version(database)
    if version is None:
        _create(database)
    elif _refuse_newer(database, version) < schema_version():
        _migrate(database, version, backed_up=backed_up)


def require_current(database: Database) -> None:
    """Raise StoreError unless the tables have this program's shape; for readers.

    Raises NothingStored where there are none: they are made in one transaction, which then has
    not come to its end.
    """
    version = _stored_version(database)
    if version is None:
        raise NothingStored(
            f"the database {database.where} holds nothing yet; start a plan with: clerk run PLAN"
        )
    if _refuse_newer(database, version) < schema_version():
        raise StoreError(
            f"the database {database.where} is of an older version of clerk;"
            " start the engine once to bring it up"
        )


def generation(connection: Connection, *, for_write: bool = False) -> int:
    """The number of the last engine that claimed the state.

    ``for_write`` holds it until the transaction ends, which also keeps writers one at a time
    where the database itself would not.
    """
    query = _HOLD_GENERATION if for_write else _READ_GENERATION
    return int(connection.execute(query).scalar_one())


def set_generation(connection: Connection, number: int) -> None:
    connection.execute(update(_META).where(_META.c.key == _GENERATION).values(value=number))


def _stored_version(database: Database) -> int | None:
    """None for an empty database; raises StoreError for one that is another program's."""
    with database.telling():
        present = set(inspect(database.reader).get_table_names())
        if "meta" in present:
            query = select(_META.c.value).where(_META.c.key == _VERSION)
            return int(database.reader.execute(query).scalar_one())
    foreign = present & set(_TABLES.tables)
    if foreign:
        raise StoreError(
            f"the database {database.where} has tables of another program"
            f" ({', '.join(sorted(foreign))}); give clerk a database of its own"
        )
    return None


def _refuse_newer(database: Database, version: int) -> int:
    if version > schema_version():
        raise StoreError(
            f"the database {database.where} is of a newer version of clerk (schema {version},"
            f" this one knows {schema_version()}); upgrade clerk"
        )
    return version


def _create(database: Database) -> None:
    with database.transaction() as connection:
        if inspect(connection).has_table("meta"):
            return
        _TABLES.create_all(connection)
        start = {_VERSION: schema_version(), _GENERATION: 0}
        connection.execute(insert(_META), [{"key": k, "value": v} for k, v in start.items()])


def _migrate(database: Database, version: int, *, backed_up: bool) -> None:
    if database.file is not None:
        _back_up(database, database.file, version)
    elif not backed_up:
        raise StoreError(
            f"the database {database.where} is of an older version of clerk (schema {version},"
            f" this one is {schema_version()}) and would be brought up: back it up on its server,"
            " then run this once with CLERK_DATABASE_BACKED_UP=yes"
        )
    crash_point("migration.backed-up")
    with database.transaction() as connection:
        for migration in MIGRATIONS[version - 1 :]:
            migration(connection)
        at_version = update(_META).where(_META.c.key == _VERSION)
        connection.execute(at_version.values(value=schema_version()))
        crash_point("migration.done")


def _back_up(database: Database, file: Path, version: int) -> None:
    """Copy an SQLite file to ``<file>.v<version>.bak``, whole or not at all.

    ``VACUUM INTO`` takes an empty file, so the copy is private from its first byte.
    """
    backup = file.with_name(f"{file.name}.v{version}.bak")
    fresh = backup.with_name(f"{backup.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with database.telling():
            database.reader.exec_driver_sql("VACUUM INTO ?", (str(fresh),))
        fresh.replace(backup)
    except OSError as error:
        raise StoreError(f"the backup {backup} cannot be made: {error.strerror}") from error

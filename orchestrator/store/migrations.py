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


def _proofs(connection: Connection) -> None:
    """3: tests seen red before the work, and what every check's runs came to."""
    for column in ("tests_head VARCHAR", "tests_approved VARCHAR"):
        connection.exec_driver_sql(f"ALTER TABLE task ADD COLUMN {column} NOT NULL DEFAULT ''")
    connection.exec_driver_sql("ALTER TABLE task ADD COLUMN tests_red_at FLOAT NOT NULL DEFAULT 0")
    number = "BIGSERIAL" if connection.dialect.name == "postgresql" else "INTEGER NOT NULL"
    connection.exec_driver_sql(
        f"CREATE TABLE check_run (id {number}, plan VARCHAR NOT NULL, task VARCHAR NOT NULL,"
        " purpose VARCHAR NOT NULL, check_name VARCHAR NOT NULL, command VARCHAR NOT NULL,"
        " tree VARCHAR NOT NULL, verdict VARCHAR NOT NULL, seconds FLOAT NOT NULL,"
        " cached BOOLEAN NOT NULL, runs INTEGER NOT NULL, flaky VARCHAR NOT NULL,"
        " overloaded BOOLEAN NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (id))"
    )
    connection.exec_driver_sql(
        "CREATE INDEX check_run_newest ON check_run (check_name, command, id)"
    )


def _queue(connection: Connection) -> None:
    """4: a place in line, what people change of it, and what was taken back or handed over."""
    for column, kind, empty in (
        ("plan.landing_paused", "BOOLEAN", "FALSE"),
        ("task.queued_at", "FLOAT", "0"),
        ("task.ordered_at", "FLOAT", "0"),
        ("task.rank", "INTEGER", "0"),
        ("task.withdrawn", "BOOLEAN", "FALSE"),
        ("task.revert_requested", "BOOLEAN", "FALSE"),
        ("task.revert_intent", "VARCHAR", "''"),
        ("task.reverted_commit", "VARCHAR", "''"),
        ("task.stacked_on", "VARCHAR", "''"),
        ("task.pull_request", "VARCHAR", "''"),
    ):
        table, _, name = column.partition(".")
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD COLUMN {name} {kind} NOT NULL DEFAULT {empty}"
        )


MIGRATIONS: tuple[Migration, ...] = (_rebuilt_at, _proofs, _queue)
"""The nth one brings version n to n + 1."""

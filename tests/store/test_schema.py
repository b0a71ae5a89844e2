"""Old, new and foreign databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from store.conftest import Postgres

from orchestrator import crash_points
from orchestrator.errors import NothingStored, StoreError
from orchestrator.records import TaskRecord
from orchestrator.store import Store, schema
from orchestrator.store.database import sqlite_file
from orchestrator.store.migrations import MIGRATIONS
from orchestrator.store.rows import MetaRow

NOW = schema.schema_version()


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def file(store: Store, url: str) -> Path:
    """A database of the present version, closed."""
    store.close()
    path = sqlite_file(url)
    assert path is not None
    return path


def version_in(file: Path) -> int:
    connection = sqlite3.connect(file)
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    connection.close()
    return value


def add_table(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE added (name TEXT)")
    connection.exec_driver_sql("INSERT INTO added SELECT id FROM task")


def fail(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT * FROM a_table_that_is_not_there")


def test_a_newer_database_is_refused_and_not_touched(file: Path, url: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
    connection.commit()
    connection.close()
    before = file.read_bytes()
    for reopen in (Store.open, Store.open_readonly):
        with pytest.raises(StoreError, match=r"newer version of clerk \(schema 99.*upgrade"):
            reopen(url)
    assert file.read_bytes() == before


def test_an_older_database_is_backed_up_and_brought_up(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, add_table))
    with Store.open(url) as store:
        assert [task.id for task in store.tasks("shop")] == ["cart", "till"]
        with store.write() as tx:
            tx.add_task(TaskRecord("shop", "later"))
    backup = file.with_name(f"clerk.db.v{NOW}.bak")
    assert (version_in(file), version_in(backup)) == (NOW + 1, NOW)
    assert backup.stat().st_mode & 0o777 == 0o600
    rows = sqlite3.connect(file).execute("SELECT name FROM added").fetchall()
    assert sorted(rows) == [("cart",), ("till",)]
    assert sqlite3.connect(backup).execute("SELECT count(*) FROM task").fetchone() == (2,)


def test_a_migration_that_fails_changes_nothing_and_can_be_tried_again(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, add_table, fail))
    with pytest.raises(StoreError, match="a_table_that_is_not_there"):
        Store.open(url)
    assert version_in(file) == NOW
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, add_table))
    with Store.open(url) as store:
        assert len(store.tasks("shop")) == 2
    assert version_in(file) == NOW + 1


def test_steps_already_taken_are_not_taken_again(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, add_table))
    Store.open(url).close()
    later: list[str] = []
    second = lambda _: later.append("second")  # noqa: E731 - one line, one use
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, add_table, second))
    Store.open(url).close()
    assert later == ["second"]
    assert version_in(file) == NOW + 2


def test_a_reader_does_not_bring_up_an_older_database(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, add_table))
    with pytest.raises(StoreError, match="start the engine once"):
        Store.open_readonly(url)
    assert version_in(file) == NOW


@pytest.mark.parametrize("point", ["store.begun:1", "store.written:1"])
def test_a_creation_that_failed_leaves_nothing_stored_and_is_made_anew(
    url: str, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = {crash_points.ORDER: f"database {point}"}
    monkeypatch.setattr(crash_points, "_script", crash_points._from(fault))
    with pytest.raises(StoreError, match="disk I/O error"):
        Store.open(url)
    with pytest.raises(NothingStored, match="holds nothing yet"):
        Store.open_readonly(url)
    with Store.open_or_begin_anew(url) as store:
        assert (store.plans(), store.events(0)) == ((), ())


def test_tables_of_another_program_are_left_alone(url: str) -> None:
    file = sqlite_file(url)
    assert file is not None
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE task (title TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"another program \(task\)"):
        Store.open(url)


@pytest.mark.slow
def test_the_tables_are_good_for_postgresql(postgres: Postgres) -> None:
    """By its own client, so that it is known even where no Python driver is."""
    dialect = postgresql.dialect()
    tables = MetaRow.metadata.sorted_tables
    made = [CreateTable(table) for table in tables]
    made += [CreateIndex(index) for table in tables for index in table.indexes]
    database = postgres.fresh_database()
    postgres.psql(";\n".join(str(step.compile(dialect=dialect)) for step in made), database)
    insert = "INSERT INTO event (kind, plan, task, attempt, message, data, at)"
    row = "VALUES ('warning', '', '', 0, '', '{}', 1.5) RETURNING seq"
    assert postgres.psql(f"{insert} {row}; {insert} {row}", database).split() == ["1", "2"]

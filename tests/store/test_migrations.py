"""The chain of migrations, from the first version that was used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect
from store.conftest import Postgres, postgres_url

from orchestrator.errors import StoreError
from orchestrator.records import PlanRecord
from orchestrator.states import TaskState
from orchestrator.store import Store, schema
from orchestrator.store.database import sqlite_file

FIRST = Path(__file__).with_name("v1.sql")
"""A finished run as the first version left it: one task landed, one failed, one cancelled."""

DIE = """
import os, sys
from orchestrator.store import Store, schema
steps = schema.MIGRATIONS
schema.MIGRATIONS = (*steps, lambda _: os._exit(9))
Store.open(sys.argv[1])
"""


@pytest.fixture
def file(sqlite_url: str) -> Path:
    """A database of the first version."""
    path = sqlite_file(sqlite_url)
    assert path is not None
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript(FIRST.read_text())
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def shape_of(file: Path) -> dict[str, dict[str, tuple[str, bool]]]:
    """Every column with its type, and whether it may be empty."""
    look = inspect(create_engine("sqlite://", creator=lambda: sqlite3.connect(file)))
    return {
        table: {c["name"]: (str(c["type"]), bool(c["nullable"])) for c in look.get_columns(table)}
        for table in look.get_table_names()
    }


def version_in(file: Path) -> int:
    connection = sqlite3.connect(file)
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    connection.close()
    return int(value)


def test_a_database_of_the_first_version_is_brought_up_with_all_it_knew(
    file: Path, sqlite_url: str
) -> None:
    with Store.open(sqlite_url) as store:
        states = {task.id: task.state for task in store.tasks("p")}
        assert states == {
            "cart": TaskState.MERGED,
            "till": TaskState.FAILED,
            "paid": TaskState.CANCELLED,
        }
        assert store.plan("p").rebuilt_at == 0
        assert len(store.attempts("p", "till")) == 2
        assert store.last_seq() == len(store.events())
    assert version_in(file) == schema.schema_version()
    assert version_in(file.with_name("clerk.db.v1.bak")) == 1


def test_what_was_brought_up_has_the_very_shape_of_what_is_made_new(
    file: Path, sqlite_url: str, tmp_path: Path
) -> None:
    """Red where a column came without a migration."""
    Store.open(sqlite_url).close()
    Store.open(f"sqlite:///{tmp_path}/new.db").close()
    assert shape_of(file) == shape_of(tmp_path / "new.db")


def test_killed_in_a_migration_it_is_old_and_the_next_start_brings_it_up(
    file: Path, sqlite_url: str
) -> None:
    before = shape_of(file)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", DIE, sqlite_url], env=env, check=False)
    assert done.returncode == 9
    assert (version_in(file), shape_of(file)) == (1, before)
    Store.open(sqlite_url).close()
    assert version_in(file) == schema.schema_version()


def test_without_a_backup_nothing_is_brought_up(file: Path, sqlite_url: str) -> None:
    file.with_name("clerk.db.v1.bak").mkdir()
    with pytest.raises(StoreError, match=r"backup .*v1\.bak cannot be made"):
        Store.open(sqlite_url)
    assert version_in(file) == 1


@pytest.mark.slow
def test_tables_on_a_server_are_brought_up_only_when_somebody_says_they_are_backed_up(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_url(postgres)
    Store.open(url).close()

    def forget(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE plan ADD COLUMN later VARCHAR")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, forget))
    with pytest.raises(StoreError, match="CLERK_DATABASE_BACKED_UP=yes"):
        Store.open(url)
    with Store.open(url, backed_up=True) as store, store.write() as tx:
        assert isinstance(store.plans(), tuple)
        assert tx.events == []


def test_a_field_has_a_place_in_the_tables(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        with store.write() as tx:
            tx.add_plan(PlanRecord("p", "", "", "", "", "main", "auto", "none", rebuilt_at=7.5))
        assert store.plan("p").rebuilt_at == 7.5

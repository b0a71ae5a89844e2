"""A migration that is killed has happened wholly or not at all, and happens at the next start."""

from __future__ import annotations

import sqlite3

import pytest
from crash.forks import RECOVER
from crash.mutants import LATER_SCHEMA
from crash.scenes import EDITING

from orchestrator.crash_points import ORDER


@pytest.mark.parametrize(
    "point", [pytest.param("migration.backed-up", marks=pytest.mark.slow), "migration.done"]
)
def test_a_killed_migration_is_made_at_the_next_start(point, stages):
    stage = stages(EDITING)
    stage.play()
    old = shape(stage.yard)
    killed = stage.run([RECOVER], mutant=LATER_SCHEMA, **{ORDER: f"kill {point}:1"})
    assert killed.killed, killed.said
    assert shape(stage.yard) == old
    again = stage.run([RECOVER], mutant=LATER_SCHEMA)
    assert again.code == 0, again.said
    version, tables, tasks = shape(stage.yard)
    assert (version, tasks) == (old[0] + 1, old[2])
    assert tables == old[1] | {"later"}


def shape(yard) -> tuple[int, set[str], list[tuple]]:
    connection = sqlite3.connect(yard.state / "clerk.db")
    try:
        (version,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in names}
        return int(version), tables, connection.execute("SELECT * FROM task ORDER BY id").fetchall()
    finally:
        connection.close()

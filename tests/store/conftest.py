"""Stores on real databases: SQLite always, PostgreSQL where a server and a driver are there."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from orchestrator.records import PlanRecord, TaskRecord
from orchestrator.store import Store

DRIVERS = ("psycopg", "psycopg2", "pg8000")


@dataclass(frozen=True)
class Postgres:
    """A running server that is reached by the socket in ``folder`` alone."""

    binaries: Path
    folder: Path

    def psql(self, sql: str, database: str = "postgres") -> str:
        command = [self.binaries / "psql", "-h", self.folder, "-U", "clerk", "-d", database]
        flags = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        done = subprocess.run(
            [*command, *flags], input=sql, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fresh_database(self) -> str:
        name = f"clerk_{secrets.token_hex(6)}"
        self.psql(f"CREATE DATABASE {name}")
        return name


def _unprivileged() -> pwd.struct_passwd:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _missing(what: str) -> NoReturn:
    pytest.skip(f"missing: {what}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the session, since it takes seconds to make; databases are per test."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        _missing("the PostgreSQL server; on Debian: apt-get install postgresql")
    binaries, user = installed[-1].parent, _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="clerk-pg-"))
    if os.getuid() == 0:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    else:
        as_user = {}

    def run(*command: str | Path) -> None:
        with (folder / "out").open("ab") as out:
            subprocess.run(command, check=True, cwd=folder, stdout=out, stderr=out, **as_user)

    data = folder / "data"
    try:
        run(binaries / "initdb", "-D", data, "-U", "clerk", "-A", "trust", "-N", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=20"
        run(binaries / "pg_ctl", "-D", data, "-w", "-o", options, "-l", data / "log", "start")
        try:
            yield Postgres(binaries, folder)
        finally:
            run(binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """In a folder whose name would break a parsed URL."""
    return f"sqlite:///{tmp_path}/a state? 100%/clerk.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """A database that does not exist yet or is empty."""
    if request.param == "sqlite":
        return sqlite_url
    return postgres_url(request.getfixturevalue("postgres"))


def postgres_url(server: Postgres) -> str:
    """An empty database on ``server``."""
    driver = next((name for name in DRIVERS if importlib.util.find_spec(name)), None)
    if driver is None:
        _missing("a Python driver for PostgreSQL; scripts/setup --dev installs one")
    where = "unix_sock={}/.s.PGSQL.5432" if driver == "pg8000" else "host={}"
    name = server.fresh_database()
    return f"postgresql+{driver}://clerk@/{name}?{where.format(server.folder)}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A claimed store with the plan ``shop`` and its tasks ``cart`` and ``till``."""
    with Store.open(url) as opened:
        opened.claim()
        with opened.write() as tx:
            tx.add_plan(a_plan("shop"))
            tx.add_task(TaskRecord("shop", "cart", position=0))
            tx.add_task(TaskRecord("shop", "till", position=1))
        yield opened


def a_plan(name: str, position: int = 0) -> PlanRecord:
    return PlanRecord(
        name=name,
        source="clerk: 1",
        source_hash="0" * 64,
        path="plans/shop.yaml",
        folder="plans",
        target="main",
        merge="auto",
        sandbox="none",
        position=position,
    )


@pytest.fixture
def plan_record() -> PlanRecord:
    return a_plan("other", position=5)

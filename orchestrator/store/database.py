"""The connection to the database, and what its errors mean for a person.

SQLite by default: write-ahead log, every commit flushed to disk, foreign keys enforced, and
``BEGIN IMMEDIATE``, without which two writers lose updates silently. The driver is told to keep
its hands off transactions (``isolation_level=None``); SQLAlchemy's begin event opens them.
Any other SQLAlchemy URL is taken as it is. A database is one writing and one reading
connection, both long-lived; what is read is always what was committed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from orchestrator.crash_points import crash_point
from orchestrator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Executable
    from sqlalchemy.engine import RowMapping

_SQLITE = "sqlite:///"
_BUSY_SECONDS = 10.0
_PAUSE_SECONDS = 0.005

_MENDS = (
    ("is full", "free space there and start again; nothing of the last write was kept"),
    ("locked", "another process is writing to it; end that one and try again"),
    ("not a database", "it is damaged: {rebuild}"),
    ("malformed", "it is damaged: {rebuild}"),
    ("readonly", "make it writable for this user"),
    ("unable to open", "check that its folder exists and may be read and written"),
    ("no such", "another version of clerk wrote it: {rebuild}"),
)
_REBUILD = (
    "move it aside with its -wal and -shm files and start the plan again"
    " (branches and landed work are in git and stay)"
)


class Database:
    """Two connections and the errors they raise. Create by ``open`` or ``open_readonly``."""

    def __init__(self, engine: Engine, where: str, file: Path | None, *, writable: bool) -> None:
        self.where = where
        self.file = file
        self._engine = engine
        with self.telling():
            self._reader = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._writer = engine.connect() if writable else None

    @classmethod
    def open(cls, url: str) -> Database:
        """Open for writing; an SQLite file is created, readable by its owner alone.

        Raises StoreError for one that is damaged, out of reach or of an unknown kind.
        """
        file = sqlite_file(url)
        if file is None:
            return cls(_server(url), _shown(url), None, writable=True)
        _create_private(file)
        database = cls(_sqlite(lambda: _connect(file)), str(file), file, writable=True)
        database.check()
        return database

    @classmethod
    def open_readonly(cls, url: str) -> Database:
        """Open for reading, beside a running engine or after one; changes nothing on disk."""
        file = sqlite_file(url)
        if file is None:
            return cls(_server(url), _shown(url), None, writable=False)
        if not file.exists():
            raise StoreError(f"there is no database {file}; nothing was started here yet")
        engine = _sqlite(lambda: _connect_readonly(file))
        return cls(engine, str(file), file, writable=False)

    @property
    def writable(self) -> bool:
        return self._writer is not None

    @property
    def reader(self) -> Connection:
        """Sees what is committed; every statement stands alone."""
        return self._reader

    def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """All rows of a query."""
        with self.telling():
            return self._reader.execute(statement).mappings().all()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing, one writer at a time; an exception rolls back."""
        if self._writer is None:
            raise StoreError(f"the database {self.where} was opened for reading only")
        with self.telling(), self._writer.begin():
            crash_point("store.begun", _injected)
            yield self._writer
            crash_point("store.written", _injected)
        crash_point("store.kept")

    def check(self) -> None:
        """Raise StoreError if an SQLite file is damaged."""
        with self.telling():
            found = self._reader.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            told = " ".join(str(found).split())
            raise StoreError(f"the database {self.where} is damaged ({told}): {_REBUILD}")

    def close(self) -> None:
        with self.telling():
            self._reader.close()
            if self._writer is not None:
                self._writer.close()
            self._engine.dispose()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn the driver's errors into a StoreError that names the database and the mend."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error)
            raise StoreError(f"the database {self.where}: {cause}{_mend(cause)}") from error
        except OverflowError as error:
            raise StoreError(f"the database {self.where} cannot hold it: {error}") from error


def _injected() -> SQLAlchemyError:
    """What a crash point of ours raises for a database that fails."""
    return OperationalError("injected", None, sqlite3.OperationalError("disk I/O error"))


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL, taken literally (``?`` and ``%`` too); None for a server.

    Raises StoreError for an SQLite database that is no file.
    """
    if not url.startswith("sqlite:"):
        return None
    if not url.startswith(_SQLITE) or url in (_SQLITE, f"{_SQLITE}:memory:"):
        raise StoreError(f"{url} names no file; write sqlite:////folder/clerk.db")
    return Path(url.removeprefix(_SQLITE))


def _server(url: str) -> Engine:
    try:
        return create_engine(url)
    except ModuleNotFoundError as error:
        raise StoreError(f"{_shown(url)} needs the Python package {error.name!r}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{_shown(url)} is no database URL: {error}") from error


def _shown(url: str) -> str:
    """The URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the database URL"


def _sqlite(connect: Callable[[], sqlite3.Connection]) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """SQLAlchemy begins before any statement; only the writing connection means it."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _connect(file: Path) -> sqlite3.Connection:
    connection = _driver(f"file:{quote(str(file))}?mode=rw")
    mode = _write_ahead(connection, time.monotonic() + _BUSY_SECONDS)
    if mode != "wal":
        connection.close()
        raise sqlite3.OperationalError(f"its file system offers no write-ahead log ({mode})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _write_ahead(connection: sqlite3.Connection, until: float) -> str:
    """Switch the log on and return the mode the file is in now.

    Two who switch a new file at once may find it locked, and SQLite's own waiting
    (``timeout``) does not cover that.
    """
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)


def _connect_readonly(file: Path) -> sqlite3.Connection:
    """Where neither log files nor leave to make them are there, the file cannot be changing."""
    where = f"file:{quote(str(file))}?mode=ro"
    connection = _driver(where)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if _wal(file).exists():
            raise
        connection = _driver(f"{where}&immutable=1")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _driver(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _wal(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _create_private(file: Path) -> None:
    """Make the file with mode 0600; its log files inherit that.

    An existing file is not even opened: closing it would drop the locks that other connections
    of this process hold on it.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"the database {file} cannot be made: {error.strerror}") from error


def _mend(cause: str) -> str:
    for sign, mend in _MENDS:
        if sign in cause:
            return "; " + mend.format(rebuild=_REBUILD)
    return ""

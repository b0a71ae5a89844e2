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
from orchestrator.errors import StateLost, StoreDamaged, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
    ("disk I/O error", "its disk fails or is full; see the system's log"),
    ("readonly", "make it writable for this user"),
    ("unable to open", "check that its folder exists and may be read and written"),
    ("no such", "another version of clerk wrote it; use that one"),
)
_REBUILD = "start the plan again, which moves it aside and rebuilds what is known from git"

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WAL_MAGIC = {b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", b"\0\0\0\0", b""}
"""How a write-ahead log may begin; zeros where its first page never reached the disk."""


class Database:
    """Two connections and the errors they raise. Create by ``open`` or ``open_readonly``."""

    def __init__(self, engine: Engine, where: str, file: Path | None, *, writable: bool) -> None:
        self.where = where
        self.file = file
        self._engine = engine
        with self.telling():
            self._reader = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._writer = engine.connect() if writable else None
        self._places: dict[Path, Place] = {}

    @classmethod
    def open(cls, url: str) -> Database:
        """Open for writing; an SQLite file is created, readable by its owner alone.

        Raises StoreDamaged for one that is damaged, StoreError for one that is out of reach or
        of an unknown kind.
        """
        file = sqlite_file(url)
        if file is None:
            return cls(_server(url), _shown(url), None, writable=True)
        _refuse_damaged(file)
        _create_private(file)
        database = cls(_sqlite(lambda: _connect(file)), str(file), file, writable=True)
        database.check()
        database._places = _places_of(file)
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

    def rows(
        self, statement: Executable, values: Mapping[str, object] | None = None
    ) -> Sequence[RowMapping]:
        """All rows of a query."""
        with self.telling():
            return self._reader.execute(statement, values).mappings().all()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing, one writer at a time; an exception rolls back."""
        if self._writer is None:
            raise StoreError(f"the database {self.where} was opened for reading only")
        self._require_in_place()
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
            raise StoreDamaged(f"the database {self.where} is damaged ({told}): {_REBUILD}")

    def _require_in_place(self) -> None:
        """SQLite would go on writing to files that were removed, and all of it would be lost."""
        for path, place in self._places.items():
            if _place_of(path) != place:
                raise StateLost(
                    f"{path} was removed or replaced while in use; nothing more is written."
                    " Run the same command again: what is lost is rebuilt from git"
                )

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
            origin = getattr(error, "orig", None)
            cause = " ".join(str(origin or error).split())
            kind = StoreDamaged if _is_damage(origin) else StoreError
            raise kind(f"the database {self.where}: {cause}{_mend(cause)}") from error
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


def is_empty(file: Path) -> bool:
    """Whether there is a file with nothing in it."""
    return file.is_file() and not file.stat().st_size


def _is_damage(error: BaseException | None) -> bool:
    """By the primary code; the extended ones say where it was found."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _refuse_damaged(file: Path) -> None:
    """What SQLite would take for an empty database, or overwrite, without a word."""
    damage = ""
    if os.path.lexists(file) and not file.is_file():
        damage = "it is no file"
    elif _wal_head(file) and is_empty(file):
        damage = "it is empty, and its write-ahead log is not"
    elif _wal_head(file) not in _WAL_MAGIC:
        damage = "its write-ahead log is none"
    if damage:
        raise StoreDamaged(f"the database {file} is damaged ({damage}): {_REBUILD}")


def _wal_head(file: Path) -> bytes:
    try:
        with _wal(file).open("rb") as log:
            return log.read(4)
    except IsADirectoryError:
        return b"no file"
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise StoreError(f"{_wal(file)} cannot be read: {error.strerror}") from error


Place = tuple[int, int] | None


def _places_of(file: Path) -> dict[Path, Place]:
    return {path: _place_of(path) for path in (file, _wal(file))}


def _place_of(path: Path) -> Place:
    """Which file a path leads to; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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

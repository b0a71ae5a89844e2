"""Whatever became of the file, the engine starts; what was there is moved aside and kept."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import StoreDamaged, StoreError
from orchestrator.events import Event, EventKind
from orchestrator.store import Store
from orchestrator.store.database import sqlite_file


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def file(store: Store, url: str) -> Path:
    """A database of some pages, closed."""
    with store.write() as tx:
        for _ in range(300):
            tx.append(Event(EventKind.WARNING, message="y" * 500))
    store.close()
    path = sqlite_file(url)
    assert path is not None
    return path


def garbage(file: Path) -> None:
    file.write_bytes(os.urandom(50_000))


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 + 100)


def nothing(file: Path) -> None:
    os.truncate(file, 0)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "somebody's").write_text("keep")


def a_page_from_elsewhere(file: Path) -> None:
    connection = sqlite3.connect(file)
    asked = (
        "SELECT rootpage FROM sqlite_master WHERE name IN ('event', 'event_subject') ORDER BY name"
    )
    (table,), (index,) = connection.execute(asked).fetchall()
    connection.close()
    content = bytearray(file.read_bytes())
    content[4096 * (table - 1) : 4096 * table] = content[4096 * (index - 1) : 4096 * index]
    file.write_bytes(content)


def a_page_that_no_start_reads(file: Path) -> None:
    connection = sqlite3.connect(file)
    asked = "SELECT rootpage FROM sqlite_master WHERE name = 'verification'"
    (page,) = connection.execute(asked).fetchone()
    connection.close()
    content = bytearray(file.read_bytes())
    content[4096 * (page - 1) : 4096 * page] = os.urandom(4096)
    file.write_bytes(content)


def a_log_of_garbage(file: Path) -> None:
    file.with_name("clerk.db-wal").write_bytes(os.urandom(9000))


def a_log_without_its_database(file: Path) -> None:
    os.truncate(file, 0)
    file.with_name("clerk.db-wal").write_bytes(b"\x37\x7f\x06\x82" + os.urandom(9000))


HARM = (
    garbage,
    cut_off,
    nothing,
    a_folder,
    a_page_from_elsewhere,
    a_page_that_no_start_reads,
    a_log_of_garbage,
    a_log_without_its_database,
)


@pytest.mark.parametrize("harm", HARM)
def test_what_is_damaged_is_moved_aside_whole_and_a_new_one_is_begun(
    file: Path, url: str, harm: Callable[[Path], None]
) -> None:
    harm(file)
    log = file.with_name("clerk.db-wal")
    kept = {p.name: p.read_bytes() for p in (file, log) if p.is_file()}
    with Store.open_or_begin_anew(url) as store:
        assert store.plans() == ()
        (warning,) = store.events()
    assert warning.kind is EventKind.WARNING
    aside = Path(warning.data["aside"])
    assert aside.name in warning.message
    assert aside.name.startswith("clerk.db.corrupt-")
    for name, content in kept.items():
        assert aside.with_name(aside.name + name.removeprefix("clerk.db")).read_bytes() == content
    if harm is a_folder:
        assert (aside / "somebody's").read_text() == "keep"
    with Store.open_or_begin_anew(url) as store:
        assert store.last_seq() == 1, "the new one is whole"


def test_several_moved_aside_in_a_second_are_all_kept(file: Path, url: str) -> None:
    for _ in range(3):
        garbage(file)
        Store.open_or_begin_anew(url).close()
    kept = [p for p in file.parent.iterdir() if "corrupt" in p.name]
    assert len(kept) == 3


@pytest.mark.parametrize("harm", [garbage, cut_off, a_folder, a_log_of_garbage])
def test_who_holds_no_lock_is_told_and_moves_nothing(
    file: Path, url: str, harm: Callable[[Path], None]
) -> None:
    harm(file)
    with pytest.raises(StoreDamaged, match="start the plan again"):
        Store.open(url)
    assert file.exists()
    assert not [path for path in file.parent.iterdir() if "corrupt" in path.name]


def test_a_newer_database_is_never_taken_for_a_damaged_one(file: Path, url: str) -> None:
    with Store.open(url) as store, store._database.transaction() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = 99 WHERE key = 'schema'")
    before = file.read_bytes()
    with pytest.raises(StoreError, match="newer version of clerk"):
        Store.open_or_begin_anew(url)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == ["clerk.db"]


@pytest.mark.parametrize("name", ["clerk.db", "clerk.db-wal"])
@pytest.mark.parametrize("then", ["removed", "replaced"])
def test_a_file_that_goes_while_in_use_takes_no_more_writes(
    store: Store, url: str, name: str, then: str
) -> None:
    """SQLite would write on into the removed file, and all of that would be lost."""
    path = sqlite_file(url).with_name(name)
    content = path.read_bytes()
    path.unlink()
    if then == "replaced":
        (path.parent / "another").write_bytes(content)
        (path.parent / "another").rename(path)
    with (
        pytest.raises(StoreError, match=rf"{name} was removed or replaced.*rebuilt"),
        store.write(),
    ):
        pytest.fail("it was let in")


def test_a_server_out_of_reach_is_a_refusal_and_nothing_is_begun(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql+psycopg://clerk:secret@/state?host={tmp_path}"
    with pytest.raises(StoreError) as caught:
        Store.open_or_begin_anew(url)
    assert not isinstance(caught.value, StoreDamaged)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_write_may_be_forbidden_before_anything_of_it_is_done(store: Store) -> None:
    def forbid() -> None:
        raise StoreError("the lock is lost")

    store.before_write = forbid
    with pytest.raises(StoreError, match="the lock is lost"), store.write() as tx:
        tx.append(Event(EventKind.WARNING))
    store.before_write = None
    assert store.events() == ()

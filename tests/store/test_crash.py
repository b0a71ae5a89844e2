"""Kills, races and broken disks: what was committed stays, what was not is gone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from store.conftest import a_plan

from orchestrator.errors import StoreDamaged, StoreError
from orchestrator.events import Event, EventKind
from orchestrator.store import Store
from orchestrator.store.database import sqlite_file

COUNT = """
import sys
from dataclasses import replace
from orchestrator.errors import StoreError
from orchestrator.store import Store

def count(url, times):
    with Store.open(url) as store:
        while times:
            task = store.task("shop", "cart")
            try:
                with store.write() as tx:
                    tx.update_task(task, replace(task, sessions=task.sessions + 1))
            except StoreError as error:
                if "meanwhile" not in str(error):
                    raise
            else:
                times -= 1
"""
RACE = """
import os, sys
from dataclasses import replace
from orchestrator.errors import StoreError
from orchestrator.states import TaskState
from orchestrator.store import Store
with Store.open(sys.argv[1]) as store:
    cart = store.task("shop", "cart")
    print("ready", flush=True)
    sys.stdin.readline()
    moved = replace(cart, state=TaskState.RUNNING, note=str(os.getpid()))
    try:
        with store.write() as tx:
            tx.update_task(cart, moved)
    except StoreError as error:
        print("lost", error)
    else:
        print("won")
"""
CRASH = """
import os, sys
from dataclasses import replace
from orchestrator.records import TaskRecord
from orchestrator.store import Store
store = Store.open(sys.argv[1])
cart = store.task("shop", "cart")
with store.write() as tx:
    tx.update_task(cart, replace(cart, note="committed"))
cart = store.task("shop", "cart")
with store.write() as tx:
    tx.update_task(cart, replace(cart, note="never"))
    tx.add_task(TaskRecord("shop", "never", note="x" * 5_000_000))
    os._exit(9)
"""


@pytest.fixture
def url(sqlite_url: str) -> str:
    """SQLite alone: these are about its file."""
    return sqlite_url


@pytest.fixture
def python() -> Callable[..., subprocess.Popen[bytes]]:
    """Starts a script in a process of its own, which imports this checkout."""

    def start(script: str, *args: str) -> subprocess.Popen[bytes]:
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.Popen([sys.executable, "-c", script, *args], env=env)

    return start


def file_of(url: str) -> Path:
    file = sqlite_file(url)
    assert file is not None
    return file


def test_four_threads_lose_no_update(store: Store, url: str) -> None:
    space: dict[str, Callable[[str, int], None]] = {}
    exec(COUNT, space)
    threads = [threading.Thread(target=space["count"], args=(url, 20)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.refresh()
    assert store.task("shop", "cart").sessions == 80


def test_four_processes_lose_no_update(
    store: Store, url: str, python: Callable[..., subprocess.Popen[bytes]]
) -> None:
    script = f"{COUNT}\ncount(sys.argv[1], 20)"
    children = [python(script, url) for _ in range(4)]
    assert [child.wait() for child in children] == [0, 0, 0, 0]
    store.refresh()
    assert store.task("shop", "cart").sessions == 80


def test_of_four_processes_that_make_the_same_move_one_wins(store: Store, url: str) -> None:
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, url],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = {racer.pid: racer.communicate()[0] for racer in racers}
    (winner,) = [pid for pid, word in told.items() if word == "won\n"]
    assert sum("meanwhile" in word for word in told.values()) == 3
    store.refresh()
    assert store.task("shop", "cart").note == str(winner)


def test_four_threads_may_make_the_same_database_at_once(url: str) -> None:
    start, stores, errors = threading.Barrier(4), [], []

    def open_it() -> None:
        start.wait()
        try:
            stores.append(Store.open(url))
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert errors == []


def test_a_process_killed_in_a_transaction_leaves_what_it_had_committed(
    store: Store, url: str, python: Callable[..., subprocess.Popen[bytes]]
) -> None:
    store.close()
    assert python(CRASH, url).wait() == 9
    assert file_of(url).with_name("clerk.db-wal").exists()
    for reopen in (Store.open_readonly, Store.open):
        with reopen(url) as found:
            assert found.task("shop", "cart").note == "committed"
            assert [task.id for task in found.tasks("shop")] == ["cart", "till"]


def test_a_transaction_takes_the_write_lock_at_its_beginning(store: Store, url: str) -> None:
    other = sqlite3.connect(file_of(url), timeout=0, isolation_level=None)
    with store.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    assert store.events() == ()
    other.close()


def test_commits_are_flushed_and_foreign_keys_enforced(store: Store) -> None:
    with store._database.transaction() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert asked == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10000,
    }


def test_a_full_disk_undoes_the_write_and_the_next_one_works(store: Store, url: str) -> None:
    driver = store._database._writer.connection.driver_connection
    pages = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count = {pages + 5}")
    cart = store.task("shop", "cart")

    def write_too_much() -> None:
        with store.write() as tx:
            tx.update_task(cart, replace(cart, note="never"))
            for _ in range(100):
                tx.append(Event(EventKind.WARNING, message="x" * 10_000))

    with pytest.raises(StoreError, match=r"is full; free space"):
        write_too_much()
    assert store.task("shop", "cart") is cart
    assert store.last_seq() == 0
    driver.execute("PRAGMA max_page_count = 1000000")
    with store.write() as tx:
        tx.update_task(cart, replace(cart, note="again"))
    with Store.open_readonly(url) as reader:
        assert reader.task("shop", "cart").note == "again"
        assert reader.events() == ()


@pytest.mark.parametrize("part", ["header", "events"])
def test_a_damaged_file_is_named_with_the_mend(store: Store, url: str, part: str) -> None:
    """Damage among the events, too, which opening has no need to read."""
    with store.write() as tx:
        for _ in range(300):
            tx.append(Event(EventKind.WARNING, message="y" * 500))
    store.close()
    with file_of(url).open("r+b") as file:
        if part == "events":
            file.seek(-60_000, os.SEEK_END)
        file.write(b"\xa5" * 20_000)
    with pytest.raises(StoreDamaged, match=r"clerk\.db.*damaged.*start the plan again"):
        Store.open(url)


def test_the_files_are_for_their_owner_alone(store: Store, url: str) -> None:
    files = sorted(file_of(url).parent.iterdir())
    assert [file.name for file in files] == ["clerk.db", "clerk.db-shm", "clerk.db-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_opening_twice_in_a_process_keeps_the_locks_of_the_first(store: Store, url: str) -> None:
    """Closing any descriptor of a file drops all POSIX locks the process has on it.

    Another process would then take itself for the last one and remove the log at its end.
    """
    for reopen in (Store.open, Store.open_readonly):
        reopen(url).close()
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT 1 FROM task').close()"
    subprocess.run([sys.executable, "-c", look, file_of(url)], check=True)
    assert file_of(url).with_name("clerk.db-wal").stat().st_size > 0


def test_a_place_that_cannot_hold_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/clerk\.db cannot be made"):
        Store.open(f"sqlite:///{tmp_path}/file/clerk.db")
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(StoreError, match="names no file"):
            Store.open(url)
    with pytest.raises(StoreError, match="no database URL"):
        Store.open("nonsense://user:secret@host/name")
    with pytest.raises(StoreError) as caught:
        Store.open("mysql+nonsense://user:secret@host/name")
    assert "secret" not in str(caught.value)


def test_a_plan_as_large_as_a_file_may_be_is_kept(store: Store, url: str) -> None:
    large = replace(a_plan("large"), source="ä" * 1_000_000)
    with store.write() as tx:
        tx.add_plan(large)
    with Store.open_readonly(url) as reader:
        assert reader.plan("large") == large

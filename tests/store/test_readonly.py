"""Looking at the state without an engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import Store
from orchestrator.store.database import sqlite_file


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def file(url: str) -> Path:
    path = sqlite_file(url)
    assert path is not None
    return path


def test_a_reader_sees_commits_of_a_running_engine_when_it_looks_again(
    store: Store, url: str
) -> None:
    cart = store.task("shop", "cart")
    with Store.open_readonly(url) as reader:
        with store.write() as tx:
            moved = tx.update_task(cart, replace(cart, note="seen"))
        assert reader.task("shop", "cart") == cart
        reader.refresh()
        assert reader.task("shop", "cart") == moved


def test_a_reader_leaves_a_closed_database_as_it_was(store: Store, url: str, file: Path) -> None:
    store.close()
    before = file.read_bytes()
    with Store.open_readonly(url) as reader:
        assert len(reader.tasks("shop")) == 2
    assert file.read_bytes() == before


def test_a_reader_cannot_write_or_claim(store: Store, url: str) -> None:
    with Store.open_readonly(url) as reader:
        with pytest.raises(StoreError, match="for reading only"), reader.write():
            pass
        with pytest.raises(StoreError, match="for reading only"):
            reader.claim()


def test_nothing_to_read_is_an_error_that_says_so(url: str, file: Path) -> None:
    with pytest.raises(StoreError, match="nothing was started here yet"):
        Store.open_readonly(url)
    assert not file.parent.exists()


LOOK = """
import os, sys
from orchestrator.store import Store
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(len(Store.open_readonly(sys.argv[1]).tasks("shop")))
"""


@pytest.fixture
def readonly_folder() -> Iterator[Path]:
    """Outside of pytest's own, which another user (root may write anywhere) cannot enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_a_closed_database_in_a_folder_nobody_may_write_to_can_be_read(
    store: Store, file: Path, readonly_folder: Path
) -> None:
    store.close()
    copy = readonly_folder / "clerk.db"
    shutil.copyfile(file, copy)
    copy.chmod(0o444)
    readonly_folder.chmod(0o555)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", LOOK, f"sqlite:///{copy}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("2", 0), done.stderr

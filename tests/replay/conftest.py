"""The replay's own package lives in scripts/, beside the shell script that starts it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from history_replay.yard import Yard, make_yard
from replay.history import COUNT, History, a_history


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[History, Yard]:
    """A made-up repository whose changes meet in all ways, and a clone ready to be replayed."""
    room = tmp_path_factory.mktemp("made once")
    history = a_history(room / "past")
    return history, make_yard(str(history.folder), "", room, last=COUNT, together=8)


@pytest.fixture
def history(made_once: tuple[History, Yard], tmp_path: Path) -> History:
    """That repository, a test's own."""
    shutil.copytree(made_once[0].folder, tmp_path / "made up", symlinks=True)
    return History(tmp_path / "made up")


@pytest.fixture
def yard(made_once: tuple[History, Yard], tmp_path: Path) -> Yard:
    """That clone, a test's own."""
    shutil.copytree(made_once[1].clone, tmp_path / "yard.git")
    return replace(made_once[1], clone=tmp_path / "yard.git")

"""A whole replay, by the real engine: the conflict and the red pair come up, and all is landed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import history_replay.__main__ as program
import pytest
from history_replay.git import git
from replay.history import TEST, History


def play(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["replay", *args])
    return program.main()


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the replay makes its temporary folder."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(program.tempfile, "tempdir", str(room))
    return room


def test_a_history_is_landed_once_more(
    history: History,
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = history.state()
    monkeypatch.chdir(history.folder.parent)
    assert play(monkeypatch, history.folder.name, "--test", TEST, "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert [change["state"] for change in told["changes"]] == ["merged"] * 7
    assert told["promise_held"]
    assert told["differing"] == []
    assert len(told["values"]) == len(told["proofs"]) >= 2
    back = " / ".join(reason for change in told["changes"] for reason in change["sent_back"])
    assert "conflicts with main in words" in back
    assert "tests" in back.replace("conflicts with main in words", "")
    assert history.state() == before
    assert list(room.iterdir()) == []


def test_a_red_start_is_told_before_anything_runs(
    history: History,
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, "replay", None)
    words = (str(history.folder), "--test", "echo no luck; exit 3", "--last", "2", "--keep")
    assert play(monkeypatch, *words) == 2
    said = capfd.readouterr().err
    assert "the tests fail where the replay starts" in said
    assert "no luck" in said
    (kept,) = room.iterdir()
    assert git(kept / "replayed.git", "show", "-s", "--format=%s", "main").endswith("/later")


def test_no_repository_is_one_sentence(
    tmp_path: Path,
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert play(monkeypatch, str(tmp_path / "nowhere"), "--test", "true") == 2
    said = capfd.readouterr().err
    assert said.startswith("replay: ")
    assert "Traceback" not in said

"""What the import contracts in pyproject.toml cannot say of the house."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("orchestrator", "tui") for path in (ROOT / room).rglob("*.py"))
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
HEAVY = {"pydantic", "sqlmodel", "sqlalchemy", "textual", "fastapi", "uvicorn", "httpx", "git"}
MOST_LINES = 400


def imported_by(*arguments: str) -> set[str]:
    """The top-level packages that a fresh interpreter imports, and does not only have."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "module", ["orchestrator", "orchestrator.engine", "orchestrator.api.server"]
)
def test_the_engine_runs_without_the_dashboard(module):
    imported = imported_by("-c", f"import {module}")
    assert "orchestrator" in imported
    assert not {"textual", "tui"} & imported


def test_the_command_line_starts_light():
    imported = imported_by("-m", "orchestrator.cli", "--help")
    assert "click" in imported
    assert not HEAVY & imported


def test_no_file_is_long():
    lengths = {named(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_file_is_a_drawer():
    assert [named(path) for path in SOURCES if path.stem.strip("_") in DRAWERS] == []


def test_every_file_says_why_it_exists():
    silent = [
        named(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_nothing_is_left_for_later_in_the_code():
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    found = [
        f"{named(path)}: {word}"
        for path in SOURCES
        for word in words
        if word in path.read_text("utf-8")
    ]
    assert found == []

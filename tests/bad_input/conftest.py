"""A repository to be refused in, copied from one template, and what a refusal must be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.conftest import Yard

from orchestrator.cli import obey

from .fingerprint import Fingerprint


@dataclass(frozen=True)
class Told:
    """What a command told, and with which code it ended."""

    code: int
    out: str
    err: str

    @classmethod
    def by(cls, done: subprocess.CompletedProcess[bytes]) -> Told:
        return cls(done.returncode, *(os.fsdecode(each) for each in (done.stdout, done.stderr)))

    def refuses(self, code: int, *words: str, lines: int = 1) -> None:
        """One clear error: its code, its words, no data, no page of it, nothing unprintable."""
        shown = f"exit {self.code}\n{self.out}\n{self.err}"
        assert self.code == code, shown
        assert self.out == "", shown
        assert "Traceback" not in self.err, shown
        assert "a bug" not in self.err, shown
        told = self.err.splitlines()
        assert 0 < len(told) <= lines, shown
        assert all(line.isprintable() for line in told), ascii(self.err)
        assert len(self.err) <= 500 * lines, shown
        for each in words:
            assert each in self.err, shown


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a repository in it, made once: making one costs six git commands."""
    return Yard.make(tmp_path_factory.mktemp("template") / "repo").home


@pytest.fixture
def yard(template: Path, tmp_path: Path) -> Iterator[Yard]:
    """A copy of the template; no engine is left in it."""
    home = tmp_path / "home"
    shutil.copytree(template, home, symlinks=True)
    made = Yard(home / "repo", home)
    yield made
    if made.git("rev-parse", "--git-dir", check=False):  # a row may have broken it
        made.end_engine()


@pytest.fixture
def here(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """The yard as the place and environment of this very process."""
    for name in os.environ:
        if name.startswith(("GIT_", "CLERK_")):
            monkeypatch.delenv(name)
    for name, value in yard.env(CLERK_SANDBOX="none").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(yard.path)
    return yard


@pytest.fixture
def clerk(here: Yard, capfd: pytest.CaptureFixture[str]):
    """A command line through its own front door, in this process: a process costs a second."""

    def call(*arguments: str) -> Told:
        capfd.readouterr()
        code = obey(list(arguments))
        return Told(code, *capfd.readouterr())

    return call


@pytest.fixture
def unchanged(yard: Yard):
    """Demand at the end that nothing is as it was not when this was called."""

    def begin():
        state = yard.path / ".git/clerk"
        before = Fingerprint.of(yard.home, state)

        def demand() -> None:
            assert Fingerprint.of(yard.home, state) == before

        return demand

    return begin

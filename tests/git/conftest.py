"""Real repositories for the git room: a fixed identity, a clean environment, no user config."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True)
class Sample:
    """A checkout a person works in, driven by plain git as a person would."""

    path: Path

    def git(self, *args: str, cwd: Path | None = None, ok: bool = True, **env: str) -> str:
        done = subprocess.run(
            ["git", *args],
            cwd=cwd or self.path,
            env=ENVIRONMENT | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stderr.decode()
        return os.fsdecode(done.stdout).removesuffix("\n")

    def write(self, path: str, text: str, *, top: Path | None = None) -> Path:
        file = (top or self.path) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(
        self, files: dict[str, str], message: str = "change", *, top: Path | None = None
    ) -> str:
        for path, text in files.items():
            self.write(path, text, top=top)
        self.git("add", "-A", cwd=top)
        self.git("commit", "-qm", message, "--allow-empty", cwd=top)
        return self.git("rev-parse", "HEAD", cwd=top)

    def commit_on(self, start: str, files: dict[str, str], message: str = "change") -> str:
        """A commit on top of ``start`` that no branch and no checkout knows."""
        side = self.path.parent / "side-checkout"
        self.git("worktree", "add", "-q", "--detach", str(side), start)
        oid = self.commit(files, message, top=side)
        self.git("worktree", "remove", "--force", str(side))
        return oid

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")


@dataclass(frozen=True)
class Plumbing:
    """Commits made without a checkout, by anybody and in any words: twenty times as quick."""

    sample: Sample

    def commit(
        self, files, *parents, message="change", who="Ada", date="1600000000 +0000", encoding=""
    ):
        """What the first parent holds with ``files`` at its top written over; None removes one."""
        listing = self.sample.git("ls-tree", parents[0]).splitlines() if parents else []
        entries = {line.partition("\t")[2]: line for line in listing}
        for name, text in files.items():
            entries.pop(name, None)
            if text is not None:
                oid = self._fed("hash-object", "-w", "--stdin", given=text)
                entries[name] = f"100644 blob {oid}\t{name}"
        tree = self._fed("mktree", given="".join(f"{line}\n" for line in entries.values()))
        named = [word for parent in parents for word in ("-p", parent)]
        settings = ["-c", f"i18n.commitEncoding={encoding}"] if encoding else []
        by = {
            "GIT_AUTHOR_NAME": who,
            "GIT_AUTHOR_EMAIL": f"{who.split()[0].lower()}@example.org",
            "GIT_AUTHOR_DATE": f"@{date}",
        }
        return self._fed(*settings, "commit-tree", tree, *named, "-F", "-", given=message, **by)

    def _fed(self, *args, given, **env):
        done = subprocess.run(
            ["git", *args], cwd=self.sample.path, env=ENVIRONMENT | env, input=given.encode(),
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()


def make_sample(path: Path, *, object_format: str = "sha1") -> Sample:
    path.mkdir(parents=True)
    sample = Sample(path)
    sample.git("init", "-q", "-b", "main", f"--object-format={object_format}")
    sample.commit({"a.txt": "one\n", "dir/b.txt": "two\n", ".gitignore": "*.pyc\n"}, "first")
    return sample


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_user_config(monkeypatch, tmp_path_factory):
    """Discovery asks the user's own configuration; here the user has none."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def sample(tmp_path) -> Sample:
    return make_sample(tmp_path / "shop")


@pytest.fixture
def plumbing(sample) -> Plumbing:
    """For tests that need many commits, or such as no porcelain makes."""
    return Plumbing(sample)


@pytest.fixture
def new_sample():
    """For tests that need a repository of another kind or at an odd place."""
    return make_sample


@pytest.fixture
def opened(sample):
    with OpenRepository(Repository.discover(sample.path), verify_slots=2) as repository:
        yield repository


@pytest.fixture
def canary(tmp_path):
    """A program an attacker would like run; ``exists`` tells that somebody did."""
    witness = tmp_path / "pwned"
    script = tmp_path / "canary.sh"
    script.write_text(f"#!/bin/sh\ntouch '{witness}'\ncat\n")
    script.chmod(0o755)
    return script, witness

"""Where we are: the repository a folder belongs to, found once and believed afterwards.

Discovery is the only step that follows what lies in the folder (``.git``, the user's own
configuration); it runs nothing the repository names. Everything after is told explicit folders.
Synchronous, since the command line asks before there is an event loop.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from orchestrator.errors import CannotRun, UsageError
from orchestrator.git.command import Git, Output, WorkTree, run_as_user
from orchestrator.git.environment import ENGINE
from orchestrator.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST_GIT = (2, 38)
"""``merge-tree --write-tree``, by which candidates are built without a checkout."""

_SETTINGS = r"^(core\.(bare|worktree)|user\.(name|email))$"


@dataclass(frozen=True)
class Repository:
    """One repository.

    ``common_dir`` is the real ``.git`` (also from a linked worktree), ``checkout`` the top of
    the main work tree (None when bare), ``identity`` who the engine commits as,
    ``object_format`` ``sha1`` or ``sha256``.
    """

    common_dir: Path
    checkout: Path | None
    identity: Identity
    object_format: str
    is_shallow: bool = False

    @property
    def mark(self) -> str:
        """A short name of this repository on this machine, for cookies and sockets."""
        return hashlib.sha256(os.fsencode(self.common_dir)).hexdigest()[:12]

    @classmethod
    def discover(cls, start: Path) -> Self:
        """The repository that the folder ``start`` belongs to.

        Raises CannotRun when there is none, when git is missing or too old, or when git does
        not trust its owner.
        """
        _require_git(start)
        asked = run_as_user(
            "rev-parse",
            "--show-object-format",
            "--is-shallow-repository",
            "--path-format=absolute",
            "--git-common-dir",
            start=start,
        )
        if asked.code:
            raise CannotRun(_why_not(start, asked))
        # A path may hold newlines, so it stands last and keeps all that follows.
        object_format, shallow, common = asked.text.split("\n", 2)
        common_dir = Path(common)
        settings = _settings(common_dir, start)
        return cls(
            common_dir=common_dir,
            checkout=_main_checkout(common_dir, settings, start),
            identity=Identity(
                settings.get("user.name") or ENGINE.name,
                settings.get("user.email") or ENGINE.email,
            ),
            object_format=object_format,
            is_shallow=shallow == "true",
        )

    @cached_property
    def git(self) -> Git:
        return Git(self.common_dir, identity=self.identity)

    @property
    def main(self) -> WorkTree | None:
        """The user's own checkout as a work tree."""
        return WorkTree(self.checkout, self.common_dir) if self.checkout else None

    def work_tree_at(self, folder: Path) -> WorkTree:
        """The checkout of this repository that ``folder`` is in; raises UsageError."""
        asked = run_as_user(
            "rev-parse",
            "--path-format=absolute",
            *("--git-common-dir", "--git-dir", "--show-toplevel"),
            start=folder,
        )
        told = asked.text.split("\n", 2)
        if asked.code or Path(told[0]) != self.common_dir:
            raise UsageError(f"{folder} is in no checkout of {self.common_dir}")
        return WorkTree(Path(told[2]), Path(told[1]))

    @property
    def state_dir(self) -> Path:
        """Where the engine keeps its state, so that the user's work tree stays clean."""
        return self.common_dir / "clerk"

    @property
    def worktrees_dir(self) -> Path:
        """A sibling folder: nested worktrees confuse tools that look upwards for config."""
        if self.checkout:
            return self.checkout.parent / f"{self.checkout.name}.worktrees"
        home = self.common_dir if self.common_dir.name != ".git" else self.common_dir.parent
        return home.parent / f"{home.name.removesuffix('.git')}.worktrees"

    @property
    def null_oid(self) -> str:
        """The oid that means "no such ref" to git."""
        return "0" * (64 if self.object_format == "sha256" else 40)


def _require_git(start: Path) -> None:
    asked = run_as_user("--version", start=start)
    if asked.code:
        raise CannotRun(f"git does not even tell its version: {asked.complaint}")
    version = re.search(r"(\d+)\.(\d+)", asked.text)
    if not version:
        raise CannotRun(f"git --version says {asked.text!r}; install git 2.38 or newer")
    if (int(version[1]), int(version[2])) < OLDEST_GIT:
        raise CannotRun(f"git {version[0]} is too old; install git 2.38 or newer")


def _why_not(start: Path, asked: Output) -> str:
    complaint = asked.stderr.decode("utf-8", "replace")
    if "dubious ownership" in complaint:
        return (
            f"{start} belongs to another user, so git does not trust it; if you do, run: "
            f"git config --global --add safe.directory '{start}'"
        )
    if "not a git repository" in complaint:
        return f"{start} is not in a git repository; run git init there, or go to one"
    return f"git cannot read the repository at {start}: {asked.complaint}"


def _settings(common_dir: Path, start: Path) -> Mapping[str, str]:
    """The repository's settings that discovery needs; the last value wins, as in git."""
    asked = run_as_user(
        f"--git-dir={common_dir}", "config", "-z", "--get-regexp", _SETTINGS, start=start
    )
    if asked.code not in (0, 1):  # 1: none is set
        raise CannotRun(f"the configuration of {common_dir} cannot be read: {asked.complaint}")
    pairs = (field.partition("\n") for field in asked.fields)
    return {key.lower(): value for key, _, value in pairs}


def _main_checkout(common_dir: Path, settings: Mapping[str, str], start: Path) -> Path | None:
    if settings.get("core.bare", "").lower() in {"true", "yes", "on", "1"}:
        return None
    if "core.worktree" in settings:
        return (common_dir / settings["core.worktree"]).resolve()
    if common_dir.name == ".git":
        return common_dir.parent
    # A separate git directory knows its checkout only while one stands in it.
    asked = run_as_user("rev-parse", "--path-format=absolute", "--git-dir", start=start)
    if Path(asked.text) != common_dir:
        return None
    return Path(run_as_user("rev-parse", "--show-toplevel", start=start).text)

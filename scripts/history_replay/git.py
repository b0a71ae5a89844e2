"""Plain git for a replay, deaf to the user's configuration and to a surrounding repository.

Names of paths are exact text (surrogates stand for bytes that are no UTF-8), and lists of them end
with NUL, so that no name is read as another. Nothing here writes to the repository that is replayed.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEAF = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
SOMEBODY = {
    f"GIT_{role}_{name}": value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in (("NAME", "Replay"), ("EMAIL", "replay@example.org"))
}
LINK_TO_REPOSITORY = "160000"


class GitFailed(Exception):
    """A git command ended badly; the message is what it said."""


def environment() -> dict[str, str]:
    """Ours without what would redirect git or lend the tests a module of this project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept.pop("PYTHONPATH", None)
    return kept


def git(
    folder: Path, *args: str, given: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What git says in ``folder``, without the last line's end; raises GitFailed."""
    done = subprocess.run(
        ["git", "-C", str(folder), *args],
        env=environment() | DEAF | SOMEBODY | dict(env or {}),
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="surrogateescape",
    )
    if done.returncode:
        raise GitFailed(done.stderr.strip() or f"git {args[0]} ended with {done.returncode}")
    return done.stdout.removesuffix("\n")


def listed(folder: Path, *args: str) -> list[str]:
    """What git lists with NUL behind every item."""
    return [item for item in git(folder, *args).split("\0") if item]

"""Plain git for the demo, deaf to the user's configuration and to a surrounding repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

AUTHOR = {"NAME": "The architect", "EMAIL": "architect@example.org", "DATE": "2026-01-05T09:00:00Z"}


def environment() -> dict[str, str]:
    """Ours without what would redirect git or lend the sample a module of this project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept.pop("PYTHONPATH", None)
    return kept


def git(folder: Path, *args: str, check: bool = True) -> str:
    """What git says in ``folder``, stripped; raises CalledProcessError unless ``check`` is off."""
    identity = {
        f"GIT_{role}_{name}": value
        for role in ("AUTHOR", "COMMITTER")
        for name, value in AUTHOR.items()
    }
    deaf = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *args],
        env=environment() | deaf | identity,
        stdout=subprocess.PIPE,
        check=check,
        text=True,
        encoding="utf-8",
    )
    return done.stdout.strip()

"""The real client, installed once and shared: by npm, outside the repository.

A version is pinned, so that a red test is our doing; raise it to meet a newer client. npm works
in the caller's environment, since that knows how packages are reached from here; the client never
does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGE, VERSION = "@anthropic-ai/claude-code", "2.1.330"


def claude_folder() -> Path:
    """A folder that holds ``claude``, for the search path; installs it where it is not there."""
    cache = Path(tempfile.gettempdir(), f"clerk-real-agents-{os.getuid()}")
    cache.mkdir(mode=0o700, exist_ok=True)
    if cache.stat().st_uid != os.getuid():
        raise AssertionError(f"{cache} belongs to somebody else; remove it")
    place = cache / f"claude-{VERSION}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of xdist share the cache
        if not place.exists():
            _install(place)
    return place / "node_modules/.bin"


def _install(place: Path) -> None:
    if shutil.which("npm") is None:
        raise AssertionError(
            "npm is missing, and the tests of real agents need it: install Debian's packages "
            "nodejs and npm, or leave these tests out by -m 'not slow'"
        )
    fresh = place.with_name(f"{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    command = ["npm", "install", "--prefix", str(fresh), "--no-audit", "--no-fund"]
    done = subprocess.run(
        [*command, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, check=False, cwd=fresh
    )
    if done.returncode:
        raise AssertionError(f"npm could not install {PACKAGE}@{VERSION}:\n{done.stderr}")
    fresh.rename(place)

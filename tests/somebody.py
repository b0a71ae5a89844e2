"""To run a script of the tests as a user who is nobody here, where root is who runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from sandboxes.conftest import SYSTEM_PATH, leave_out

SOMEBODY = 61_234
REPOSITORY = Path(__file__).parents[1]


def as_somebody(python: str, script: Path, *args: str) -> str:
    """What ``script`` writes, run by ``python``, which every user may run; it must end well."""
    same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if subprocess.run([python, "-c", same], check=False).returncode:
        leave_out(f"{python} is not of our version, and ours is root's alone")
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, SOMEBODY, SOMEBODY)
        libraries = (REPOSITORY, REPOSITORY / "tests", sysconfig.get_path("purelib"))
        env = {
            "PATH": SYSTEM_PATH,
            "HOME": home,
            "TMPDIR": home,
            "PYTHONPATH": ":".join(map(str, libraries)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        who = (f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups")
        done = subprocess.run(
            ["setpriv", *who, "--", python, str(script), *args],
            cwd="/",
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout

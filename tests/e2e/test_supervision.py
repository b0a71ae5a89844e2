"""A session or check that takes too much is ended, named, and the engine goes on with the others."""

from __future__ import annotations

import sys

import pytest

MEBIBYTE = 1 << 20
EAT = "import time\nheld = []\nwhile len(held) < 4096:\n    held.append(b'x' * (1 << 20))\n"
BOUND = {"CLERK_MEMORY_BYTES": str(150 * MEBIBYTE)}

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def test_a_session_that_eats_memory_has_failed_by_name_and_others_land(yard) -> None:
    (yard.home / "eat.py").write_text(EAT)
    plan = yard.plan(
        {
            "hog": {"do": f"exec python3 '{yard.home}/eat.py'", "budget": {"attempts": 1}},
            "modest": "echo good >modest.txt",
        }
    )
    done = yard.clerk("run", str(plan), "--merge", "auto", code=None, **BOUND)
    tasks = yard.status()
    assert tasks["modest"]["state"] == "merged", done.stderr
    assert tasks["hog"]["state"] in ("failed", "needs_input")
    told = yard.clerk("log", "hog", code=None).stdout + yard.clerk("show", "hog", code=None).stdout
    assert "memory_bytes allows 150 MiB" in told + done.stdout + done.stderr


def test_a_check_that_eats_memory_is_errored_and_blames_nobody(yard) -> None:
    (yard.home / "eat.py").write_text(EAT)
    checks = {"unit": {"run": f"[ ! -e mine.txt ] || python3 '{yard.home}/eat.py'"}}
    plan = yard.plan({"mine": "echo good >mine.txt"}, checks)
    done = yard.clerk("run", str(plan), code=None, **BOUND)
    assert done.returncode in (1, 3)
    assert "memory_bytes allows 150 MiB" in done.stdout + done.stderr
    assert yard.status()["mine"]["state"] == "needs_input"

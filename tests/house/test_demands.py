"""The plug-in of all tests notices what it is there for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LEAVES = """
import asyncio, gc

async def fails():
    raise ValueError("nobody asked")

async def leave():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0.01)

def test_one():
    asyncio.run(leave())
    gc.collect()
"""
SKIPS = """
import pytest

@pytest.mark.skipif(True, reason="no bwrap")
def test_one(): ...

def test_two():
    pytest.skip("no bwrap")

def test_three(): ...
"""


def run_of(tmp_path: Path, source: str, **env: str) -> tuple[int, str]:
    """The code and the words of a run of ``tests/sandboxes/test_it.py``."""
    place = tmp_path / "tests/sandboxes"
    place.mkdir(parents=True)
    (place / "test_it.py").write_text(source)
    kept = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "demands", "-p", "no:cacheprovider", "-q", "tests"],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(("env", "code"), [({}, 0), ({"CI": "true"}, 1)], ids=["here", "in CI"])
def test_a_test_that_is_left_out_is_told_and_fails_where_everything_is_demanded(
    tmp_path, env, code
):
    ended, said = run_of(tmp_path, SKIPS, **env)
    assert ended == code, said
    assert ("left out, where everything is to be tested: Skipped: no bwrap" in said) == bool(env)
    assert "trust: 1 tests ran (1 of sandboxes); 2 were left out" in said


def test_a_task_whose_failure_nobody_took_is_told_by_the_test_that_met_it(tmp_path):
    ended, said = run_of(tmp_path, LEAVES)
    assert ended == 1, said
    assert "left behind by it or an earlier one: Task exception was never retrieved" in said

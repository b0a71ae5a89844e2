"""Stories of ``stories``, told in processes of their own.

An engine that dies in mid-work leaves what it was about to start: tasks, coroutines, sockets. In a
process of its own that ends with the process; in this one the garbage collector would come upon it
in the middle of some other test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def tell(stories: int, steps: int, seed: int, *, shorten: bool) -> None:
    told = {
        "CLERK_STORIES": str(stories),
        "CLERK_STORIES_STEPS": str(steps),
        "CLERK_STORIES_SEED": str(seed),
        "CLERK_STORIES_SHORTEN": "yes" if shorten else "",
        "PYTHONPATH": str(TESTS),
    }
    done = subprocess.run(
        [sys.executable, "-m", "crash.stories"],
        cwd=TESTS,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}\n{done.stderr}"


def test_a_few_known_stories_end_well():
    tell(2, 12, seed=1, shorten=False)


@pytest.mark.slow
def test_many_stories_end_well():
    """Always the same ones, so that a change is judged by what it changes; others by a seed of one's own."""
    tell(40, 30, seed=int(os.environ.get("CLERK_STORIES_SEED", "4055743920")), shorten=True)

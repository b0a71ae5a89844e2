"""The benchmarks run, and say what they measured; what they measure is nobody's test."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[2] / "scripts" / "bench"


def bench(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BENCH, *args], capture_output=True, text=True, check=False)


def test_figures_come_as_json_with_what_is_to_be_reached():
    done = bench("cache", "digest", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    figures = {figure["what"]: figure for figure in json.loads(done.stdout)}
    assert figures["verified tree: commands run"]["ours"] == 0
    tokens = figures["digest of a 10 MB log, tokens"]
    assert 0 < tokens["ours"] <= 1500
    assert tokens["goal"] == "at most 1500"


def test_the_bare_loop_stands_beside_ours():
    done = bench("tasks", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    for figure in json.loads(done.stdout):
        assert figure["ratio"] == figure["ours"] / figure["bare"]


def test_an_unknown_name_is_refused_with_those_there_are():
    done = bench("speed")
    assert done.returncode == 2
    assert "tasks, growth" in done.stderr

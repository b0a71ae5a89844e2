"""The worked examples of plans/, run as their pages say: what they promise is what comes of them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.test_sandboxed import Enclosed
from sandboxes.conftest import leave_out

PLANS = Path(__file__).parents[2] / "plans"


@dataclass(frozen=True)
class Example(Enclosed):
    """The sample repository of an example, and its plan."""

    name: str = ""

    @classmethod
    def of(cls, name: str, folder: Path) -> Example:
        place = folder / name
        shutil.copytree(
            PLANS / name / "sample", place, ignore=shutil.ignore_patterns("__pycache__")
        )
        made = cls(place, folder, name)
        made.git("init", "-q", "-b", "main")
        made.commit("as it was")
        made.git("checkout", "-q", "--detach")
        return made

    def run(self) -> str:
        """Its plan, to the end; what came of it."""
        return self.clerk("run", str(PLANS / self.name / "plan.yaml")).stdout

    def sessions_told(self, task: str) -> list[str]:
        folder = self.state / "logs" / self.name / task
        return [path.read_text() for path in sorted(folder.glob("*/prompt.md"))]


@pytest.fixture
def example(tmp_path: Path):
    """Makes an example; its engine is gone when the test is over."""
    if not shutil.which("bwrap"):
        leave_out("bwrap is not installed")
    made: list[Example] = []

    def make(name: str) -> Example:
        made.append(Example.of(name, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.end_engine()


def test_an_arm_is_driven_until_its_simulator_is_content(example):
    """What the simulator saw is what the next session is told, in a few lines."""
    robot = example("robot")
    assert "merged" in robot.run()
    first, second = robot.sessions_told("sort-blocks")
    assert "shoulder was to turn" not in first
    digest = second.partition("```text\n")[2].partition("```")[0].splitlines()
    assert "    step 1: shoulder was to turn 80.2 degrees at once, 15 are possible" in digest
    assert len(digest) <= 12
    assert robot.status()["sort-blocks"]["attempts_used"] == 2
    assert "go(arm, x, SAFE)" in robot.git("show", "main:arm/sort.py")


@pytest.mark.slow
def test_a_view_is_proven_on_a_database_made_for_it(example):
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        leave_out("PostgreSQL is not installed")
    ledger = example("ledger")
    assert "merged" in ledger.run()
    _, second = ledger.sessions_told("balances")
    assert "eve has 1000, expected 700" in second
    assert "new has no balance, expected 0" in second
    assert "left join" in ledger.git("show", "main:db/migrations/002_balances.sql")


@pytest.mark.slow
def test_a_page_is_proven_in_a_real_browser(example):
    """npm works in the caller's environment, which knows how packages are reached from here."""
    if not (Path("/usr/lib/chromium/chromium").exists() and shutil.which("npm")):
        leave_out("chromium or npm is not installed")
    counter = example("counter")
    install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=counter.path, check=True, capture_output=True)
    assert "merged" in counter.run()
    _, second = counter.sessions_told("remembers")
    assert "1 failed, 3 passed" in second
    assert "e2e/counter.spec.mjs::another tab knows it, too" in second
    assert 'Expected: "1"' in second
    assert "localStorage" in counter.git("show", "main:src/page.mjs")

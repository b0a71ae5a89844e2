"""The demo as a person sees it: in a terminal, with keys; and the target as git sees it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shop_demo.git import environment, git
from shop_demo.sample import PLAN
from waiting import until_blocking

TMUX = shutil.which("tmux")
CLERK = Path(sys.executable).with_name("clerk")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TMUX is None and "CI" not in os.environ, reason="needs tmux"),
]


class Pane:
    """A terminal with a program in it, driven and read as a person would."""

    def __init__(self, socket: Path, program: list[str], cwd: Path) -> None:
        self._socket = socket
        size = ("-x", "140", "-y", "40")
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, *program, cwd=cwd)

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def until_shown(self, *patterns: str) -> None:
        try:
            until_blocking(lambda: all(re.search(pattern, self.shown) for pattern in patterns))
        except AssertionError:
            pytest.fail(f"waited in vain for {patterns}, and saw:\n{self.shown}")

    @property
    def shown(self) -> str:
        return self._tmux("capture-pane", "-p").replace("\u00a0", " ")

    @property
    def is_open(self) -> bool:
        command = [str(TMUX), "-S", str(self._socket), "has-session"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def close(self) -> None:
        subprocess.run(
            [str(TMUX), "-S", str(self._socket), "kill-server"], capture_output=True, check=False
        )

    def _tmux(self, *args: str, cwd: Path | None = None) -> str:
        command = [str(TMUX), "-S", str(self._socket), *args]
        env = {**environment(), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture
def pane(shop: Path, tmp_path: Path):
    """The dashboard on the demo's plan, where merging is for a person."""
    command = [str(CLERK), "start", str(PLAN), "--merge", "manual", "--update-checkout"]
    subprocess.run(command, cwd=shop, env=environment(), check=True)
    opened = Pane(tmp_path / "tmux", [str(CLERK)], shop)
    yield opened
    opened.close()
    subprocess.run([str(CLERK), "stop"], cwd=shop, env=environment(), check=False)


def test_what_is_merged_from_the_dashboard_is_on_the_target(shop: Path, pane: Pane) -> None:
    before = git(shop, "rev-parse", "main").strip()
    pane.until_shown("clerk", "stock", "✓ [3-9] ready")
    pane.press("d")
    pane.until_shown("shop  → main", "cart-total", "▸· shipping")
    pane.press("u")
    pane.until_shown("Nothing is in line to land")
    pane.press("b")
    pane.until_shown("state", "title")
    pane.press("M")
    pane.until_shown("Merge", r"tasks\?")
    pane.press("y")
    pane.until_shown("[2-9]/10 landed", "■ merged")
    pane.press("q")
    until_blocking(lambda: not pane.is_open)

    told = git(shop, "log", "--first-parent", "--format=%H %(trailers:key=Clerk-Task,valueonly,separator=%x2C)", f"{before}..main")  # fmt: skip
    landed = dict(line.split(" ", 1) for line in told.strip().splitlines())
    assert len(landed) >= 2
    for commit, task in landed.items():
        branch = f"clerk/shop/{task}"
        merged = git(shop, "merge-base", branch, commit).strip()
        assert merged == git(shop, "rev-parse", f"{commit}^2").strip(), task
    audit = [str(CLERK), "audit", f"{before}..main"]
    subprocess.run(audit, cwd=shop, env=environment(), check=True)
    git(shop, "checkout", "--quiet", "--detach", "main")
    tests = [sys.executable, "-m", "unittest", "discover", "-q", "-s", "tests", "-t", "."]
    subprocess.run(tests, cwd=shop, env=environment(), check=True)

"""The database lost while a confined session's commits were in its private repository alone."""

from __future__ import annotations

import shutil

import pytest
from e2e.test_sandboxed import Enclosed
from sandboxes.conftest import leave_out
from waiting import until_blocking


@pytest.fixture
def yard(tmp_path):
    if not shutil.which("bwrap"):
        leave_out("bwrap is not installed")
    made = Enclosed.make(tmp_path / "a repo")
    yield made
    made.end_engine()


@pytest.mark.slow
def test_what_was_not_brought_home_comes_home_once_and_is_looked_at(yard):
    """One session has good work, the other what no policy takes in; each a commit and a file."""
    commit = "git add -A; git commit -qm work; echo good > rest.txt; touch held; sleep 600"
    plan = yard.plan(
        {
            "good": [
                f"echo held > .gitignore; echo good > b.txt; {commit}",
                "echo never > never.txt",
            ],
            "bad": [f"ln -s /etc/passwd l; {commit}", "rm -f l held rest.txt; echo good > m.txt"],
        }
    )
    running = yard.start("run", str(plan), "--merge", "auto")
    trees = yard.path.with_name(f"{yard.path.name}.worktrees") / "p"
    for task in ("good", "bad"):
        until_blocking((trees / task / "held").exists)
    running.kill()
    running.communicate()
    for file in yard.state.glob("clerk.db*"):
        file.unlink()
    done = yard.land(str(plan))
    assert "rebuilt from git" in done.stderr
    assert "leads out of" in yard.prompt("bad", 2), "it was never verified, let alone landed"
    assert yard.git("show", "main:rest.txt") == yard.git("show", "main:m.txt") == "good"
    subjects = yard.git("log", "--format=%s", "main").splitlines()
    assert subjects.count("work") == 1, "the good one's commit, once"
    assert yard.git("ls-tree", "-r", "--name-only", "main").split().count("l") == 0
    assert "never.txt" not in yard.git("ls-tree", "-r", "--name-only", "main")

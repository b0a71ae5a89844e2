"""The battery as a real session of a real engine: the repository, the home and the state stand."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from e2e.test_sandboxed import Enclosed
from sandboxes import assault, battery
from sandboxes.conftest import leave_out
from sandboxes.ground import _print_of, changes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs namespaces")

TRIED = (
    *battery.HOME_FILES,
    *battery.CHECKOUT,
    *battery.REPOSITORY,
    *("lead the worktree elsewhere", "replace the worktree's .git", "move a .git over it"),
    *("write to the database", "delete the state", "take the engine's lock", "become root"),
)


def outside(yard: Enclosed) -> dict[str, str]:
    """The user's checkout, repository and home; not what the engine itself writes."""
    ours = {yard.state, yard.path / ".git/worktrees", yard.path / ".git/objects"}
    ours |= {yard.path / ".git/refs", yard.path / ".git/packed-refs", yard.path / ".git/logs"}
    found = {}
    waiting = [yard.path, yard.home / "user"]
    while waiting:
        for path in waiting.pop().iterdir():
            if path in ours:
                continue
            if path.is_dir() and not path.is_symlink():
                waiting.append(path)
            else:
                found[str(path)] = _print_of(path)
    return found


def test_a_hostile_session_changes_nothing_but_its_own_branch(tmp_path: Path) -> None:
    if not shutil.which("bwrap"):
        leave_out("bwrap is not installed")
    yard = Enclosed.make(tmp_path / "a repo")
    user = yard.home / "user"
    (user / ".ssh").mkdir(parents=True)
    (user / ".ssh/id").write_text("PRIVATE\n")
    (user / ".bashrc").write_text("true\n")
    worktrees = yard.home / f"{yard.path.name}.worktrees"
    facts = {
        "MAIN": yard.path,
        "GITDIR": yard.path / ".git",
        "STATE": yard.state,
        "WT": worktrees / "p/t",
        "OTHER": worktrees / "p/other",
        "UHOME": user,
        "OBJECTS": f"{yard.path}/.git/objects:{assault.OBJECTS}",
        "FORGE": "git commit -q --allow-empty -m forged",
        "NONCE": "clerk-battery",
        "PY": "python3",
    }
    plan = yard.plan(
        {"t": {"do": assault.script(TRIED, each_anew=True), "budget": {"attempts": 1}}},
        worktree={"env": {name: str(fact) for name, fact in facts.items()}},
    )
    before, main = outside(yard), yard.git("rev-parse", "main")
    yard.clerk("run", str(plan), code=None)
    said = (yard.state / "logs/p/t/1/session.log").read_text()
    assert said.count("RESULT ") == len(TRIED), said
    assert assault.worked_in(said) == []
    assert changes(before, outside(yard)) == []
    assert yard.git("rev-parse", "main") == main
    heads = yard.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags").split()
    assert heads == ["refs/heads/clerk/p/t", "refs/heads/main"]
    yard.git("fsck", "--strict", "--no-dangling")
    assert os.path.lexists(worktrees / "p/t/.git")

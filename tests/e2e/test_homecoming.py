"""What confined sessions leave in their private repositories, and what becomes of it in the real one.

One engine runs them all: each task is one way to leave things.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.test_sandboxed import Enclosed
from sandboxes.conftest import leave_out

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs namespaces")

COMMIT = "git add -A; git commit -qm"
COMMON = '"$(git rev-parse --git-common-dir)"'


@dataclass(frozen=True)
class Left:
    """How a session leaves things, and what is to be found: its state, words, file and strays."""

    does: str
    state: str = "verified"
    says: str = ""
    file: str = "mine.txt"
    kept: int = 0


GOOD = "echo good > mine.txt"
WORK = f"{GOOD}; {COMMIT} work"
WAYS = {
    "uncommitted": Left(GOOD),
    "committed": Left(WORK),
    "other-branch": Left(f"git checkout -qb side; {WORK}", says="the session ended on"),
    "detached": Left(f"git checkout -q --detach; {WORK}", says="on a detached HEAD"),
    "stash": Left(f"{WORK}; echo x > first.txt; git stash -q", kept=1),
    "tags": Left(
        f"{WORK}; git tag v1; git tag -am x v2; git tag blob $(git hash-object -w mine.txt)"
    ),
    "side-work": Left(
        f"git checkout -qb side; {COMMIT} s --allow-empty; git checkout -q -; {WORK}", kept=1
    ),
    "gc": Left(f"{WORK}; git gc -q --prune=now; git repack -adfq"),
    "rewritten": Left(
        f"git checkout -q --orphan new; {WORK}; git branch -f clerk/p/rewritten",
        state="failed",
        says="was rewritten",
        file="",
    ),
    "branch-deleted": Left(
        f"{WORK}; git checkout -q --detach; git branch -qD clerk/p/branch-deleted"
    ),
    "nothing": Left("true", state="failed", says="changed nothing", file=""),
    "link-out": Left(f"ln -s /etc/passwd l; {WORK}", state="failed", says="leads out of", file=""),
    "gitlink": Left(
        f"git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm s; {GOOD}",
        says="'sub' is a repository of its own",
    ),
    "hostile-tree": Left(
        "t=$(printf '100644 blob %s\\t.git\\n' $(git hash-object -w first.txt) | git mktree); "
        "git update-ref HEAD $(git commit-tree -p HEAD -m x $t)",
        state="failed",
        says="hasDotgit",
        file="",
    ),
    "rebasing": Left(
        "echo 1 > x.sh; git add -A; git commit -qm 1; git branch one; git reset -q --hard HEAD~1; "
        "echo 2 > x.sh; git add -A; git commit -qm 2; git rebase -q one; true",
        says="in the middle of a rebase",
        file="x.sh",
        kept=1,
    ),
    "pointer": Left(f"git symbolic-ref refs/heads/clerk/p/pointer refs/heads/main; {WORK}"),
    "forged": Left(f"{WORK}; git update-ref refs/heads/main HEAD"),
    "hooked": Left(
        f"mkdir -p {COMMON}/hooks; for h in pre-commit post-index-change reference-transaction; do "
        f"printf '#!/bin/sh\\ntouch pwned\\n' > {COMMON}/hooks/$h; chmod +x {COMMON}/hooks/$h; done; "
        f"git config core.fsmonitor 'touch pwned2; false'; {GOOD}"
    ),
    "garbled": Left(f"{WORK}; find {COMMON} -mindepth 1 -delete; true", says="unreadable"),
    "emptied": Left(
        "find . -mindepth 1 ! -name .git -delete; echo good > mine.txt; echo true > check.sh"
    ),
}


@dataclass(frozen=True)
class Ended:
    """The yard afterwards, what its engine said, and every task."""

    yard: Enclosed
    said: str
    tasks: dict[str, dict]

    def about(self, task: str) -> str:
        lines = [line for line in self.said.splitlines() if f" {task} " in line]
        return "\n".join((*lines, self.tasks[task]["reason"]))


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    if not shutil.which("bwrap"):
        leave_out("bwrap is not installed")
    yard = Enclosed.make(tmp_path_factory.mktemp("yard") / "a repo")
    plan = yard.plan(
        {name: {"do": way.does, "budget": {"attempts": 1}} for name, way in WAYS.items()},
        parallel=4,
    )
    done = yard.clerk("run", str(plan), code=1)
    return Ended(yard, done.stderr, yard.status())


@pytest.mark.parametrize("name", WAYS)
def test_what_a_session_leaves_comes_home_or_is_refused_by_name(ended: Ended, name: str) -> None:
    way, yard, branch = WAYS[name], ended.yard, f"clerk/p/{name}"
    assert ended.tasks[name]["state"] == way.state, ended.about(name)
    assert way.says in ended.about(name)
    files = yard.git("ls-tree", "-r", "--name-only", branch).split()
    assert {way.file} - {""} <= set(files)
    held = yard.git("for-each-ref", "--format=%(refname:lstrip=5)", f"refs/clerk/keep/p/{name}")
    assert len([name for name in held.split() if name != "1"]) >= way.kept


def test_nothing_else_of_the_repository_is_changed(ended: Ended) -> None:
    yard = ended.yard
    assert yard.first_parents() == [yard.git("rev-parse", "HEAD")]
    assert yard.git("tag") == ""
    heads = set(yard.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split())
    assert heads == {"main", *(f"clerk/p/{name}" for name in WAYS)}
    assert not any((yard.path / ".git/hooks").glob("*[!e]"))
    assert "fsmonitor" not in yard.git("config", "--list", "--local")
    yard.git("fsck", "--strict", "--no-dangling", "--connectivity-only")
    assert not list(yard.home.rglob("pwned*"))


MOVES = {
    "commit": WORK,
    "detach": f"{GOOD}; git checkout -q --detach",
    "tag": f"{GOOD}; git tag v1",
    "stash": f"echo x > first.txt; git stash -q; {GOOD}",
    "config": f"{GOOD}; git config user.name bot",
    "packed": f"{GOOD}; git branch other; git pack-refs --all",
    "bisect": f"{GOOD}; git update-ref refs/bisect/bad HEAD",
}


@pytest.mark.parametrize("moved", [pytest.param(does, id=name) for name, does in MOVES.items()])
def test_a_view_in_which_anything_moved_is_asked(enclosed: Enclosed, moved: str) -> None:
    plan = enclosed.plan({"a": moved})
    enclosed.clerk("run", str(plan), code=-9, CLERK_CRASH="kill import.told:1")


@pytest.mark.parametrize("does", [GOOD, f"{GOOD}; git add -A; git status; git diff --cached"])
def test_a_view_in_which_no_ref_moved_is_not_asked(enclosed: Enclosed, does: str) -> None:
    plan = enclosed.plan({"a": does})
    enclosed.clerk("run", str(plan), CLERK_CRASH="kill import.told:1")
    assert enclosed.git("show", "clerk/p/a:mine.txt") == "good"


@pytest.fixture
def enclosed(tmp_path: Path) -> Enclosed:
    if not shutil.which("bwrap"):
        leave_out("bwrap is not installed")
    return Enclosed.make(tmp_path / "a repo")

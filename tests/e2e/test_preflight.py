"""What makes the work impossible is told in one sentence, with exit code 4, and changes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


def untouched(yard) -> dict[str, bytes]:
    """Every file of the yard but the engine's own state, and the plan."""
    files = (path for path in yard.home.rglob("*") if path.is_file())
    return {
        str(path): path.read_bytes()
        for path in files
        if not path.is_relative_to(yard.path / ".git/clerk")
    }


def no_repository(yard):
    place = yard.home / "nowhere"
    place.mkdir()
    return {"cwd": place}, f"{place} is not in a git repository; run git init there"


def no_commits(yard):
    place = yard.home / "fresh"
    yard.git("init", "-q", "-b", "main", str(place))
    return {"cwd": place}, "the repository has no commits yet; make a first one"


def unborn_target(yard):
    yard.git("branch", "-m", "main", "trunk")
    yard.git("symbolic-ref", "HEAD", "refs/heads/main")
    return {}, "the target branch 'main' has no commits yet"


def misspelt_target(yard):
    yard.git("branch", "-m", "main", "mains")
    return {}, "there is no target branch 'main'; did you mean 'mains'?"


def branch_named_clerk(yard):
    yard.git("branch", "clerk")
    return (
        {},
        "the branch 'clerk' is in the way of the branches 'clerk/…'; rename it: git branch -m",
    )


def branch_named_as_the_plan(yard):
    yard.git("branch", "clerk/p")
    return {}, "the branch 'clerk/p' is in the way of the branches 'clerk/p/…'"


def old_git(yard):
    git = yard.home / "bin" / "git"
    git.parent.mkdir()
    git.write_text("#!/bin/sh\necho git version 2.37.7\n")
    git.chmod(0o755)
    path = f"{git.parent}:{os.environ['PATH']}"
    return {"PATH": path}, "git 2.37 is too old; install git 2.38 or newer"


def no_git(yard):
    empty = yard.home / "empty"
    empty.mkdir()
    return {"PATH": str(empty)}, "git is not installed, or not on PATH; install git 2.38 or newer"


@pytest.mark.parametrize(
    "trouble",
    [
        no_repository,
        no_commits,
        unborn_target,
        misspelt_target,
        branch_named_clerk,
        branch_named_as_the_plan,
        old_git,
        no_git,
    ],
)
def test_what_makes_work_impossible_is_told_and_nothing_is_changed(yard, trouble):
    plan = yard.plan({"a": "echo good > a.txt"})
    how, sentence = trouble(yard)
    before = untouched(yard)
    done = yard.clerk("run", str(plan), code=4, **how)
    assert sentence in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, "one sentence, no traceback"
    state = how.get("cwd", yard.path) / ".git/clerk"
    after = {k: v for k, v in untouched(yard).items() if not Path(k).is_relative_to(state)}
    assert after == before
    assert not list(yard.home.glob("*.worktrees"))


def test_a_repository_on_a_read_only_file_system_is_refused(yard):
    plan = yard.plan({"a": "echo good > a.txt"})
    before = untouched(yard)
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(yard.path)]
    able = subprocess.run([*inside, "true"], capture_output=True, check=False, text=True)
    if able.returncode:
        pytest.skip(f"this machine lets nobody mount read-only: {able.stderr.strip()}")
    done = subprocess.run(
        [*inside, *yard.command("run", str(plan))],
        env=yard.env(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert "cannot be made: Read-only file system; is it read-only?" in done.stderr
    assert untouched(yard) == before

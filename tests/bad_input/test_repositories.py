"""Repositories that cannot be worked in: told in a sentence, and left as they were found."""

from __future__ import annotations

import subprocess

import pytest

from .conftest import Told
from .plan_rows import SMALL


def state_is_a_file(yard):
    yard.state.write_text("mine\n")


def state_is_a_dangling_link(yard):
    yard.state.symlink_to("/nowhere/at/all")


def state_is_a_pipe_of_settings(yard):
    yard.state.mkdir()
    (yard.state / "settings.toml").mkdir()


def worktrees_are_a_file(yard):
    (yard.home / "repo.worktrees").write_text("mine\n")


def worktrees_are_a_dangling_link(yard):
    (yard.home / "repo.worktrees").symlink_to("/nowhere/at/all")


def head_is_empty(yard):
    (yard.path / ".git/HEAD").write_text("")


def config_is_broken(yard):
    (yard.path / ".git/config").write_text("[core\n")


def objects_are_gone(yard):
    (yard.path / ".git/objects").rename(yard.home / "objects")


def target_points_nowhere(yard):
    (yard.path / ".git/refs/heads/main").write_text("1" * 40 + "\n")


def target_is_garbage(yard):
    (yard.path / ".git/refs/heads/main").write_text("garbage\n")


def target_is_a_tag(yard):
    yard.git("tag", "v1")
    yard.git("branch", "-m", "main", "trunk")


@pytest.mark.parametrize(
    "trouble",
    [
        state_is_a_file,
        state_is_a_dangling_link,
        state_is_a_pipe_of_settings,
        worktrees_are_a_file,
        worktrees_are_a_dangling_link,
        head_is_empty,
        config_is_broken,
        objects_are_gone,
        target_points_nowhere,
        target_is_garbage,
        target_is_a_tag,
    ],
)
def test_a_repository_that_cannot_be_is_told(yard, unchanged, trouble):
    (yard.home / "p.yaml").write_text(SMALL)
    trouble(yard)
    demand = unchanged()
    done = subprocess.run(
        yard.command("run", str(yard.home / "p.yaml")),
        cwd=yard.path,
        env=yard.env(CLERK_SANDBOX="none"),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode in {2, 4}, done
    Told.by(done).refuses(done.returncode)
    demand()

"""What is small is removed, and given away, without a command, and never through a link."""

import os

import pytest

from orchestrator.git import linked
from orchestrator.scratch import scratch_folder
from orchestrator.supervision import small_trees

pytestmark = pytest.mark.anyio

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
SOMEBODY = 52_001


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_text("kept")
    return folder


@pytest.fixture
def tree(tmp_path, outside):
    """A small tree with folders, an empty one too, a pipe, and links that lead out of it."""
    top = tmp_path / "tree"
    (top / "a" / "b").mkdir(parents=True)
    (top / "empty").mkdir()
    (top / "a" / "b" / "file").write_text("x")
    (top / "a" / "folder").symlink_to(outside)
    (top / "a" / "file").symlink_to(outside / "kept")
    (top / "a" / "nothing").symlink_to(top / "gone")
    os.mkfifo(top / "a" / "pipe")
    return top


def fill(folder, count):
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"f{number}").touch()


def nest(folder, depth):
    for _ in range(depth):
        folder /= "d"
    folder.mkdir(parents=True)


def test_a_small_tree_is_removed_and_nothing_it_points_at(tree, outside):
    assert small_trees.removed(tree)
    assert not os.path.lexists(tree)
    assert (outside / "kept").read_text() == "kept"


def test_a_link_is_removed_itself(tmp_path, outside):
    link = tmp_path / "link"
    link.symlink_to(outside)
    assert small_trees.removed(link)
    assert not os.path.lexists(link)
    assert (outside / "kept").exists()


def test_what_is_not_there_is_removed_already(tmp_path):
    assert small_trees.removed(tmp_path / "nothing")


def test_what_is_large_or_deep_or_heavy_is_left_to_a_command(tmp_path):
    fill(tmp_path / "large", small_trees.ENTRIES + 1)
    nest(tmp_path / "deep", small_trees.DEPTH + 1)
    fill(tmp_path / "heavy", 1)
    os.truncate(tmp_path / "heavy" / "f0", small_trees.HEAVY_BYTES + 1)
    for name in ("large", "deep", "heavy"):
        assert not small_trees.removed(tmp_path / name)
        assert (tmp_path / name).exists()


async def test_the_command_ends_what_was_too_much(tmp_path):
    paths = [tmp_path / "large", tmp_path / "deep"]
    fill(paths[0], small_trees.ENTRIES + 1)
    nest(paths[1], 300)
    await linked.delete_trees(*paths)
    assert not any(map(os.path.lexists, paths))


async def test_no_command_is_run_for_what_is_small(tree, tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.supervision.process.run", None)
    await linked.delete_trees(tree, tmp_path / "nothing")
    assert not tree.exists()
    async with scratch_folder() as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "file").touch()
    assert not folder.exists()


def owners(top):
    found = [top, *top.rglob("*")]
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in found}


@AS_ROOT
def test_a_small_tree_is_given_away_and_nothing_it_points_at(tree, outside):
    assert small_trees.given([tree], SOMEBODY, SOMEBODY)
    assert owners(tree) == {(SOMEBODY, SOMEBODY)}
    assert owners(outside) == {(0, 0)}


@AS_ROOT
def test_what_is_somebodys_already_is_not_touched(tree):
    small_trees.given([tree], SOMEBODY, SOMEBODY)
    before = {path: path.lstat().st_ctime_ns for path in tree.rglob("*")}
    assert small_trees.given([tree], SOMEBODY, SOMEBODY)
    assert {path: path.lstat().st_ctime_ns for path in tree.rglob("*")} == before


@AS_ROOT
def test_a_large_tree_is_not_given_away_here(tmp_path, tree):
    fill(tmp_path / "large", small_trees.ENTRIES + 1)
    assert not small_trees.given([tree, tmp_path / "large"], SOMEBODY, SOMEBODY)


@AS_ROOT
def test_a_link_in_the_place_of_a_folder_gives_nothing_away(tmp_path, outside):
    link = tmp_path / "link"
    link.symlink_to(outside)
    assert not small_trees.given([link], SOMEBODY, SOMEBODY)
    assert owners(outside) == {(0, 0)}

"""The paths of an index, read as git reads them, or not at all."""

from __future__ import annotations

import os

import pytest

from orchestrator.git.index_file import listed_paths

PATHS = {
    "a.txt": "1",
    "dir/b.txt": "2",
    "ünï 'q\"\n.txt": "3",
    "x" * 200: "4",
    "/".join(["long" * 50] * 15): "5",
    **{f"d{number}/{'n' * number}": "6" for number in range(1, 20)},
}


def told(sample):
    return frozenset(map(os.fsencode, sample.git("ls-files", "-z").split("\0"))) - {b""}


def index(sample):
    return sample.path / ".git/index"


def test_paths_are_those_that_git_lists(sample):
    sample.commit(PATHS)
    assert len(told(sample)) >= len(PATHS)
    assert listed_paths(index(sample), oid_bytes=20) == told(sample)


def test_entries_with_more_flags_are_read(sample):
    """What a version 3 is for."""
    (sample.path / "wanted.txt").write_text("x")
    sample.git("add", "--intent-to-add", "wanted.txt")
    sample.git("update-index", "--skip-worktree", "a.txt")
    assert index(sample).read_bytes()[4:8] == b"\0\0\0\3"
    assert listed_paths(index(sample), oid_bytes=20) == told(sample)


def test_longer_names_of_objects_are_passed_over(new_sample, tmp_path):
    sample = new_sample(tmp_path / "sha256", object_format="sha256")
    assert listed_paths(index(sample), oid_bytes=32) == told(sample)
    assert listed_paths(index(sample), oid_bytes=20) != told(sample)


@pytest.mark.parametrize("kind", ["4", "split"])
def test_of_other_kinds_nothing_is_said(sample, kind):
    sample.git(
        "update-index", *(("--split-index",) if kind == "split" else ("--index-version", kind))
    )
    assert listed_paths(index(sample), oid_bytes=20) is None


def test_what_is_no_index_says_nothing(tmp_path, sample):
    place = tmp_path / "index"
    assert listed_paths(place, oid_bytes=20) is None
    whole = index(sample).read_bytes()
    for content in (b"", b"DIRC", b"x" * 500, whole[:60], whole[:12] + bytes(500)):
        place.write_bytes(content)
        assert not listed_paths(place, oid_bytes=20)

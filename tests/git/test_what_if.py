"""Merges that nobody lands are tried outside the repository's object store."""

from __future__ import annotations

import pytest

from orchestrator.errors import GitError
from orchestrator.git import what_if
from orchestrator.git.what_if import WhatIf

pytestmark = pytest.mark.anyio


@pytest.fixture
def tried(opened, tmp_path):
    folder = tmp_path / "odd: folder"
    folder.mkdir()
    return WhatIf(opened.git, folder)


def objects(sample):
    return sorted(path for path in (sample.path / ".git/objects").rglob("*") if path.is_file())


async def test_a_pair_conflicts_only_where_the_second_meets_the_first(sample, tried):
    base = sample.head
    one = sample.commit_on(base, {"a.txt": "one side\n"})
    other = sample.commit_on(base, {"a.txt": "other side\n"})
    apart = sample.commit_on(base, {"new.txt": "apart\n"})
    before = objects(sample)
    assert await tried.conflicts(base, one) == ()
    assert await tried.conflicts(base, other, one) == ("a.txt",)
    assert await tried.conflicts(base, one, other) == ("a.txt",)
    assert await tried.conflicts(base, apart, one) == ()
    assert objects(sample) == before


async def test_two_that_conflict_with_one_another_on_old_ground_need_not_on_the_target(
    sample, tried
):
    """What a naive comparison of heads takes for a conflict: the target has settled it already."""
    base = sample.head
    target = sample.commit_on(base, {"a.txt": "settled\n"})
    one = sample.commit_on(base, {"a.txt": "settled\n", "one.txt": "1\n"})
    other = sample.commit_on(target, {"a.txt": "settled\nand more\n"})
    assert await tried.conflicts(one, other) == ("a.txt",)
    assert await tried.conflicts(target, other, one) == ()


async def test_what_is_emptied_is_made_again(sample, tried, monkeypatch):
    monkeypatch.setattr(what_if, "MERGES_KEPT", 2)
    base = sample.head
    one = sample.commit_on(base, {"a.txt": "one side\n"})
    other = sample.commit_on(base, {"a.txt": "other side\n"})
    for _ in range(3):
        assert await tried.conflicts(base, other, one) == ("a.txt",)


async def test_no_common_history_is_a_conflict_and_no_answer_is_none(sample, tried):
    tree = sample.git("rev-parse", "HEAD^{tree}")
    alien = sample.git("commit-tree", tree, "-m", "alien")
    assert await tried.conflicts(sample.head, alien) == ("every file",)
    with pytest.raises(GitError):
        await tried.conflicts(sample.head, "1" * 40)

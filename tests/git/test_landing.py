from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.errors import GitError, RefMoved
from orchestrator.identity import Identity

pytestmark = pytest.mark.anyio

MAIN = "refs/heads/main"


@pytest.fixture
async def candidate(sample, opened):
    head = sample.commit_on(sample.head, {"new.txt": "new\n", "a.txt": "changed\n"})
    merged = await opened.candidates.merge(sample.head, head)
    return await opened.candidates.commit(
        merged, message="land it\n", author=Identity("a", "b"), date=1
    )


async def test_the_object_that_was_verified_lands(sample, opened, candidate):
    sample.git("checkout", "-q", "--detach")
    await opened.landing.land(MAIN, candidate, candidate.target)
    assert sample.git("rev-parse", "main") == candidate.commit
    assert "clerk: land land it" in sample.git("reflog", "main")


async def test_a_persons_commit_in_between_stops_the_landing(sample, opened, candidate):
    theirs = sample.commit({"theirs.txt": "x"})
    with pytest.raises(RefMoved):
        await opened.landing.land(MAIN, candidate, candidate.target)
    assert sample.git("rev-parse", "main") == theirs


async def test_landing_on_what_the_candidate_was_not_built_on_is_refused(sample, opened, candidate):
    """The way GitHub's queue lost work: a fast-forward that is none."""
    theirs = sample.commit({"theirs.txt": "x"})
    with pytest.raises(GitError, match="was not built on"):
        await opened.landing.land(MAIN, candidate, theirs)
    assert sample.git("rev-parse", "main") == theirs


async def test_a_candidate_that_is_not_what_was_verified_is_refused(sample, opened, candidate):
    other = await opened.objects.tree_of(sample.head)
    with pytest.raises(GitError, match="another tree"):
        await opened.landing.land(MAIN, replace(candidate, tree=other), candidate.target)
    with pytest.raises(GitError, match="does not hold the task's head"):
        await opened.landing.land(MAIN, replace(candidate, head="1" * 40), candidate.target)
    assert sample.git("rev-parse", "main") == candidate.target


async def test_checkouts_of_the_target_are_found_with_their_dirt(sample, opened, tmp_path):
    sample.git("worktree", "add", "-q", str(tmp_path / "odd\nplace"), "-b", "other")
    sample.write("a.txt", "dirty")
    [found] = await opened.landing.checkouts_of(MAIN, opened.repository.main)
    assert (found.worktree.path, found.dirt) == (sample.path, ("a.txt",))
    [linked] = await opened.landing.checkouts_of("refs/heads/other", opened.repository.main)
    assert linked.is_clean
    assert linked.worktree.path == tmp_path / "odd\nplace"


async def test_a_clean_checkout_is_brought_along(sample, opened, candidate):
    assert (
        await opened.landing.blockers(opened.repository.main, candidate.target, candidate.commit)
        == ()
    )
    await opened.landing.land(MAIN, candidate, candidate.target)
    for _ in range(2):  # and again, as after a crash
        blocked = await opened.landing.fast_forward(
            opened.repository.main, candidate.target, candidate.commit
        )
        assert blocked == ()
        assert sample.git("status", "--porcelain") == ""
        assert (sample.path / "new.txt").read_text() == "new\n"


async def test_a_file_that_was_only_touched_does_not_block(sample, opened, candidate):
    sample.write("a.txt", "one\n")
    assert (
        await opened.landing.blockers(opened.repository.main, candidate.target, candidate.commit)
        == ()
    )


@pytest.mark.parametrize("landed", [False, True])
async def test_uncommitted_changes_block_and_stay(sample, opened, candidate, landed):
    sample.write("a.txt", "my edit")
    sample.write("dir/b.txt", "my staged edit")
    sample.git("add", "dir/b.txt")
    if landed:
        await opened.landing.land(MAIN, candidate, candidate.target)
    blocked = await opened.landing.fast_forward(
        opened.repository.main, candidate.target, candidate.commit
    )
    assert sorted(blocked) == ["a.txt", "dir/b.txt"]
    assert (sample.path / "a.txt").read_text() == "my edit"
    assert not (sample.path / "new.txt").exists()


async def test_an_untracked_file_in_the_way_blocks_and_stays(sample, opened, candidate):
    sample.write("new.txt", "mine, never committed")
    await opened.landing.land(MAIN, candidate, candidate.target)
    blocked = await opened.landing.fast_forward(
        opened.repository.main, candidate.target, candidate.commit
    )
    assert blocked == ("new.txt",)
    assert (sample.path / "new.txt").read_text() == "mine, never committed"


async def test_what_a_person_ignores_is_not_written_over(sample, opened, candidate):
    """Git itself would: it counts ignored files as worth nothing."""
    sample.write(".git/info/exclude", "new.txt\n")
    sample.write("new.txt", "mine, never committed")
    await opened.landing.land(MAIN, candidate, candidate.target)
    blocked = await opened.landing.fast_forward(
        opened.repository.main, candidate.target, candidate.commit
    )
    assert blocked == ("new.txt",)
    assert (sample.path / "new.txt").read_text() == "mine, never committed"


async def test_a_file_that_becomes_a_folder_is_not_in_its_own_way(sample, opened, candidate):
    base = sample.commit({"was": "a file"})
    (sample.path / "was").unlink()
    head = sample.commit({"was/x.txt": "x"})
    sample.git("reset", "-q", "--hard", base)
    assert await opened.landing.blockers(opened.repository.main, base, head) == ()


async def test_a_held_index_and_filters_block(sample, opened, candidate):
    lock = sample.path / ".git" / "index.lock"
    lock.touch()
    [why] = await opened.landing.blockers(
        opened.repository.main, candidate.target, candidate.commit
    )
    assert "index.lock" in why
    lock.unlink()
    sample.git("config", "filter.lfs.smudge", "git-lfs smudge")
    [why] = await opened.landing.blockers(
        opened.repository.main, candidate.target, candidate.commit
    )
    assert "lfs" in why


async def test_landing_lets_go_of_the_candidates_own_ref_and_of_no_other(sample, opened, candidate):
    held = "refs/clerk/candidate/p/t"
    await opened.refs.hold(held, candidate.commit)
    with pytest.raises(GitError, match="not the engine's own"):
        await opened.landing.land(MAIN, candidate, candidate.target, held_by=(MAIN,))
    theirs = sample.commit({"theirs.txt": "x"})
    with pytest.raises(RefMoved):
        await opened.landing.land(MAIN, candidate, candidate.target, held_by=(held,))
    assert await opened.refs.resolve(held) == candidate.commit
    sample.git("update-ref", MAIN, candidate.target, theirs)
    await opened.landing.land(MAIN, candidate, candidate.target, held_by=(held, f"{held}2"))
    assert await opened.refs.resolve(held) is None

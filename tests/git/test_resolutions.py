"""A conflict that was resolved once is resolved again, in worktrees and nowhere else."""

from __future__ import annotations

import pytest

from orchestrator.git.resolutions import KEPT_REF, MOST_KEPT

pytestmark = pytest.mark.anyio


@pytest.fixture
def sides(sample):
    """A base, and two commits on it that change the same line of a.txt and dir/b.txt."""
    base = sample.head
    ours = sample.commit_on(base, {"a.txt": "ours\n", "dir/b.txt": "our two\n"})
    theirs = sample.commit_on(base, {"a.txt": "theirs\n", "dir/b.txt": "their two\n"})
    return ours, theirs


async def resolve(sample, opened, task, sides, files):
    """A task that starts at one side, meets the other, and is verified with ``files`` in place."""
    tree = await opened.worktrees.create("p", task, sides[0])
    synced = await opened.conflicts.sync(tree, sides[1], "join")
    await opened.resolutions.expect("p", task, synced.disputed)
    head = sample.commit(files, "resolved", top=tree.path)
    return synced, await opened.resolutions.learn("p", task, head)


async def test_the_same_conflict_is_resolved_as_before_and_committed(sample, opened, sides):
    both = {"a.txt": "both\n", "dir/b.txt": "both two\n"}
    first, learnt = await resolve(sample, opened, "one", sides, both)
    assert set(first.conflicts) == set(learnt) == set(both)
    assert first.reused == ()
    tree = await opened.worktrees.create("p", "two", sides[0])
    again = await opened.conflicts.sync(tree, sides[1], "join")
    assert again.is_clean
    assert set(again.reused) == set(both)
    assert {name: (tree.path / name).read_text() for name in both} == both
    assert sample.git("status", "--porcelain", cwd=tree.path) == ""
    assert sample.git("log", "-1", "--format=%P", cwd=tree.path).split() == list(sides)


async def test_it_does_not_matter_which_side_is_whose(sample, opened, sides):
    await resolve(sample, opened, "one", sides, {"a.txt": "both\n", "dir/b.txt": "x\n"})
    tree = await opened.worktrees.create("p", "two", sides[1])
    assert (await opened.conflicts.sync(tree, sides[0], "join")).is_clean
    assert (tree.path / "a.txt").read_text() == "both\n"


async def test_what_is_new_in_a_conflict_is_left_to_the_agent(sample, opened, sides):
    await resolve(sample, opened, "one", sides, {"a.txt": "both\n", "dir/b.txt": "x\n"})
    other = sample.commit_on(sides[1], {"dir/b.txt": "their third\n"})
    tree = await opened.worktrees.create("p", "two", sides[0])
    synced = await opened.conflicts.sync(tree, other, "join")
    assert (synced.conflicts, synced.reused) == (("dir/b.txt",), ("a.txt",))
    assert [one.path for one in synced.disputed] == ["dir/b.txt"]
    assert "<<<<<<<" in (tree.path / "dir/b.txt").read_text()
    assert (tree.path / "a.txt").read_text() == "both\n"


async def test_a_file_with_markers_left_is_no_resolution(sample, opened, sides):
    left = {"a.txt": "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> x\n", "dir/b.txt": "x\n"}
    _, learnt = await resolve(sample, opened, "one", sides, left)
    assert learnt == ("dir/b.txt",)


async def test_what_a_branch_began_anew_is_no_resolution(sample, opened, sides):
    tree = await opened.worktrees.create("p", "one", sides[0])
    synced = await opened.conflicts.sync(tree, sides[1], "join")
    await opened.resolutions.expect("p", "one", synced.disputed)
    await opened.resolutions.forget("p", "one")
    assert await opened.resolutions.learn("p", "one", sides[1]) == ()


async def test_nothing_is_learnt_twice_or_without_being_expected(sample, opened, sides):
    assert await opened.resolutions.learn("p", "one", sample.head) == ()
    await resolve(sample, opened, "one", sides, {"a.txt": "both\n", "dir/b.txt": "x\n"})
    assert await opened.resolutions.learn("p", "one", sample.head) == ()
    assert await opened.refs.list("refs/clerk/resolving") == {}


async def test_a_side_that_removed_the_file_leaves_nothing_to_learn(sample, opened):
    base = sample.head
    ours = sample.commit_on(base, {"a.txt": "ours\n"})
    sample.git("rm", "-q", "a.txt")
    theirs = sample.commit({}, "gone")
    tree = await opened.worktrees.create("p", "one", ours)
    synced = await opened.conflicts.sync(tree, theirs, "join")
    assert (synced.conflicts, synced.disputed) == (("a.txt",), ())


async def test_what_is_kept_outlives_gc_and_stays_bounded(sample, opened, sides, monkeypatch):
    monkeypatch.setattr("orchestrator.git.resolutions.MOST_KEPT", 2)
    await resolve(sample, opened, "one", sides, {"a.txt": "both\n", "dir/b.txt": "x\n"})
    third = sample.commit_on(sides[1], {"a.txt": "third\n"})
    _, learnt = await resolve(sample, opened, "two", (sides[0], third), {"a.txt": "all\n"})
    assert "a.txt" in learnt
    sample.git("gc", "-q", "--prune=now")
    assert MOST_KEPT > 2
    assert len(sample.git("ls-tree", "--name-only", KEPT_REF).splitlines()) == 2
    tree = await opened.worktrees.create("p", "three", sides[0])
    await opened.conflicts.sync(tree, third, "join")
    assert (tree.path / "a.txt").read_text() == "all\n"

from __future__ import annotations

import pytest

from orchestrator.errors import GitError
from orchestrator.git.candidates import Candidate, Conflict
from orchestrator.git.conflicts import marked_hunks
from orchestrator.identity import Identity
from orchestrator.states import Strategy

pytestmark = pytest.mark.anyio

ADA = Identity("Ada", "ada@example.org")


async def build(opened, target, head):
    merged = await opened.candidates.merge(target, head)
    if isinstance(merged, Conflict):
        return merged
    return await opened.candidates.commit(merged, message="merge\n", author=ADA, date=1_700_000_000)


async def test_a_candidate_is_the_merge_git_would_make(sample, opened):
    base = sample.head
    head = sample.commit_on(base, {"new.txt": "new\n"})
    target = sample.commit({"a.txt": "moved on\n"})
    made = await build(opened, target, head)
    assert isinstance(made, Candidate)
    commit = await opened.objects.commit(made.commit)
    assert commit.parents == (target, head)
    assert commit.tree == made.tree
    sample.git("merge", "-q", "-m", "by hand", head)
    assert sample.git("rev-parse", "HEAD^{tree}") == made.tree


async def test_the_same_merge_is_the_same_object(sample, opened):
    head = sample.commit_on(sample.head, {"new.txt": "new\n"})
    first = await build(opened, sample.head, head)
    assert await build(opened, sample.head, head) == first
    assert (
        sample.git("log", "-1", "--format=%an %at %ct", first.commit) == "Ada 1700000000 1700000000"
    )


async def test_a_conflict_names_its_paths(sample, opened):
    base = sample.head
    head = sample.commit_on(base, {"a.txt": "mine\n", "dir/b.txt": "mine\n"})
    target = sample.commit({"a.txt": "theirs\n", "dir/b.txt": "theirs\n"})
    found = await build(opened, target, head)
    assert isinstance(found, Conflict)
    assert found.paths == ("a.txt", "dir/b.txt")
    assert "CONFLICT (content): Merge conflict in a.txt" in found.summary
    assert len(found.summary.splitlines()) == 2


async def test_attributes_lying_about_do_not_change_how_a_merge_comes_out(sample, opened):
    """The user's checkout, its index and the folder git runs in say nothing about the merge."""
    base = sample.head
    head = sample.commit_on(base, {"a.txt": "mine\n"})
    target = sample.commit({"a.txt": "theirs\n"})
    for folder in (sample.path, sample.path / ".git"):
        sample.write(".gitattributes", "*.txt merge=union\n", top=folder)
    sample.git("add", ".gitattributes")
    assert isinstance(await build(opened, target, head), Conflict)


@pytest.mark.parametrize("unknown", ["1" * 40, "no-such-branch"])
async def test_an_unknown_oid_is_an_error_and_no_conflict(sample, opened, unknown):
    with pytest.raises(GitError):
        await build(opened, sample.head, unknown)


async def test_unrelated_histories_are_an_error_and_no_conflict(sample, opened):
    orphan = sample.git("commit-tree", "-m", "alone", "HEAD^{tree}")
    with pytest.raises(GitError, match="unrelated histories"):
        await build(opened, sample.head, orphan)


async def test_hunks_show_the_conflict_and_little_else(sample, opened):
    lines = [f"line {number}\n" for number in range(100)]
    base = sample.commit({"long.txt": "".join(lines)})
    mine, theirs = lines.copy(), lines.copy()
    mine[50], theirs[50] = "my fifty\n", "their fifty\n"
    head = sample.commit_on(base, {"long.txt": "".join(mine)})
    target = sample.commit({"long.txt": "".join(theirs)})
    shown = await opened.conflicts.hunks(await build(opened, target, head), 10_000)
    assert shown.splitlines() == [
        "--- long.txt",
        "@ line 48",
        "line 47",
        "line 48",
        "line 49",
        "<<<<<<< target",
        "their fifty",
        "=======",
        "my fifty",
        ">>>>>>> yours",
        "line 51",
        "line 52",
        "line 53",
    ]
    assert (
        len((await opened.conflicts.hunks(await build(opened, target, head), 100)).encode()) <= 100
    )


async def test_a_file_deleted_on_one_side_is_told_in_words(sample, opened):
    base = sample.head
    head = sample.commit_on(base, {"a.txt": "mine\n"})
    sample.git("rm", "-q", "a.txt")
    target = sample.commit({})
    shown = await opened.conflicts.hunks(await build(opened, target, head), 10_000)
    assert "CONFLICT (modify/delete): a.txt deleted" in shown


async def test_syncing_brings_the_target_in(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    sample.commit({"mine.txt": "1"}, top=tree.path)
    target = sample.commit({"theirs.txt": "2"})
    assert (await opened.conflicts.sync(tree, target, "sync")).is_clean
    assert (tree.path / "theirs.txt").exists()
    assert sample.git("log", "-1", "--format=%s", cwd=tree.path) == "sync"


async def test_syncing_over_uncommitted_changes_is_refused(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    target = sample.commit({"a.txt": "2"})
    (tree.path / "a.txt").write_text("uncommitted")
    with pytest.raises(GitError, match="cannot be merged"):
        await opened.conflicts.sync(tree, target, "sync")
    assert (tree.path / "a.txt").read_text() == "uncommitted"


def test_hunks_that_touch_come_as_one():
    near = "a\n<<<<<<< x\n=======\n>>>>>>> y\nb\nc\n<<<<<<< x\n=======\n>>>>>>> y\n"
    assert len(list(marked_hunks(near))) == 1
    assert list(marked_hunks("no markers\n")) == []


async def test_all_that_a_target_may_move_to_is_flushed_to_disk(sample, opened, monkeypatch):
    """A ref that is on disk before its objects would dangle after a power cut."""
    base = sample.head
    theirs = sample.commit_on(base, {"t.txt": "t\n"})
    head = sample.commit_on(base, {"h.txt": "h\n"})
    run, flushed = opened.git.run, {}

    async def seen(*args, env=None, **more):
        flushed[args[0]] = "core.fsync" in str(env)
        return await run(*args, env=env, **more)

    monkeypatch.setattr(opened.git, "run", seen)
    merged = await opened.candidates.merge(theirs, head)
    for strategy in Strategy:
        await opened.strategies.build(
            merged, strategy, message="m\n\nClerk-Task: t\n", author=Identity("a", "a@b"), date=1
        )
    writers = ("merge-tree", "commit-tree", "hash-object")
    assert {name: flushed[name] for name in writers} == dict.fromkeys(writers, True)

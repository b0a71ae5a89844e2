from __future__ import annotations

import os
import stat

import anyio
import pytest

from orchestrator.errors import GitError
from orchestrator.git import linked
from orchestrator.git.linked import TRASH, delete_trees

pytestmark = pytest.mark.anyio


async def test_32_worktrees_at_once_all_come_to_be(sample, opened):
    base = sample.head

    async def create(number):
        await opened.worktrees.create("p", f"t{number}", base)

    async with anyio.create_task_group() as group:
        for number in range(32):
            group.start_soon(create, number)
    for number in range(32):
        path = opened.worktrees.path_of("p", f"t{number}")
        assert (path / "a.txt").read_text() == "one\n"
    branches = await opened.refs.list("refs/heads/clerk/p")
    assert set(branches.values()) == {base}
    assert len(branches) == 32


async def test_git_meets_a_new_worktree_whole_or_not_at_all(sample, opened, monkeypatch):
    """A half-made entry is one over which all other git stumbles."""
    renamed, seen = linked._renamed, []

    def looked_at(draft, admin):
        seen.append(sample.git("worktree", "list"))
        renamed(draft, admin)
        sample.git("worktree", "prune", "--expire=now")
        seen.append(sample.git("worktree", "list"))

    monkeypatch.setattr(linked, "_renamed", looked_at)
    await opened.worktrees.create("p", "t", sample.head)
    assert ["/p/t" in listing for listing in seen] == [False, True]


async def test_an_add_that_was_cancelled_leaves_nothing_that_disturbs(sample, opened):
    run = opened.git._run

    with anyio.CancelScope() as scope:

        async def cancelled_meanwhile(args, **kwargs):
            if args[0] == "read-tree":
                scope.cancel()
            return await run(args, **kwargs)

        opened.git._run = cancelled_meanwhile
        await opened.worktrees.create("p", "t", sample.head)
    opened.git._run = run
    assert scope.cancelled_caught
    assert "/p/t" in sample.git("worktree", "list")
    assert "clerk/p/t" in sample.git("branch", "-a")
    assert await opened.repair() == ("removed what was left of the worktree p/t",)
    assert (await opened.worktrees.create("p", "t", sample.head)).path.is_dir()


async def test_worktrees_of_one_name_have_entries_of_their_own(sample, opened, tmp_path):
    sample.git("worktree", "add", "-q", "--detach", str(tmp_path / "t"))
    trees = [await opened.worktrees.create(plan, "t", sample.head) for plan in ("p", "q")]
    assert [tree.git_dir.name for tree in trees] == ["t1", "t2"]
    for plan, tree in zip("pq", trees, strict=True):
        branch = sample.git("symbolic-ref", "HEAD", cwd=tree.path)
        assert branch == f"refs/heads/clerk/{plan}/t"
        assert sample.git("status", "--porcelain", cwd=tree.path) == ""
    assert sample.git("symbolic-ref", "-q", "HEAD", cwd=sample.path) == "refs/heads/main"


async def test_an_entry_that_appears_meanwhile_is_left_alone(sample, opened, monkeypatch):
    renamed = linked._renamed

    def overtaken(draft, admin):
        monkeypatch.setattr(linked, "_renamed", renamed)
        admin.mkdir()
        (admin / "theirs").touch()
        renamed(draft, admin)

    monkeypatch.setattr(linked, "_renamed", overtaken)
    tree = await opened.worktrees.create("p", "t", sample.head)
    assert tree.git_dir.name == "t1"
    assert (tree.git_dir.parent / "t" / "theirs").exists()
    assert sample.git("symbolic-ref", "HEAD", cwd=tree.path) == "refs/heads/clerk/p/t"


async def test_a_worktree_stands_on_its_tasks_branch_and_is_clean(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    assert tree.path == sample.path.parent / "shop.worktrees" / "p" / "t"
    assert sample.git("symbolic-ref", "HEAD", cwd=tree.path) == "refs/heads/clerk/p/t"
    assert sample.git("status", "--porcelain", cwd=tree.path) == ""
    assert sample.git("status", "--porcelain") == ""


async def test_what_jobs_make_is_for_their_owner_alone(sample, opened):
    """A program that runs as whom it belongs to, say: its own mode is the job's to set."""
    tree = await opened.worktrees.create("p", "t", sample.head)
    assert stat.S_IMODE(tree.path.parent.parent.stat().st_mode) == 0o700


async def test_a_worktree_that_was_shut_is_opened_again(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    (tree.path / "left.txt").write_text("left")
    tree.path.chmod(0)
    left = await opened.leftovers.collect(
        tree, branch="clerk/p/t", base=sample.head, message="left over\n"
    )
    assert left.changed
    assert stat.S_IMODE(tree.path.stat().st_mode) == 0o700
    tree.path.chmod(0o111)
    assert await opened.worktrees.reopen("p", "t") == tree
    assert stat.S_IMODE(tree.path.stat().st_mode) == 0o711


async def test_starting_anew_keeps_what_only_the_old_branch_held(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    lost = sample.commit({"work.txt": "hours"}, "work", top=tree.path)
    again = await opened.worktrees.create("p", "t", sample.head)
    assert not (again.path / "work.txt").exists()
    assert await opened.refs.list("refs/clerk/keep/p/t") == {f"refs/clerk/keep/p/t/{lost}": lost}


async def test_starting_anew_keeps_nothing_when_nothing_would_be_lost(sample, opened):
    await opened.worktrees.create("p", "t", sample.head)
    await opened.worktrees.create("p", "t", sample.head)
    assert await opened.refs.list("refs/clerk/keep") == {}


async def test_reopening_leaves_the_files_as_they_are(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    (tree.path / "half.txt").write_text("half")
    assert await opened.worktrees.reopen("p", "t") == tree
    assert (tree.path / "half.txt").read_text() == "half"


async def test_reopening_remakes_a_worktree_that_is_gone(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    head = sample.commit({"work.txt": "done"}, "work", top=tree.path)
    await delete_trees(tree.path)
    again = await opened.worktrees.reopen("p", "t")
    assert sample.git("rev-parse", "HEAD", cwd=again.path) == head
    assert sample.git("symbolic-ref", "HEAD", cwd=again.path) == "refs/heads/clerk/p/t"
    assert (again.path / "work.txt").read_text() == "done"


async def test_reopening_without_a_branch_says_so(opened):
    with pytest.raises(GitError, match="no branch 'clerk/p/t'"):
        await opened.worktrees.reopen("p", "t")


async def test_reopening_puts_a_repository_of_the_agents_own_aside(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    (tree.path / ".git").unlink()
    sample.git("init", "-q", cwd=tree.path)
    again = await opened.worktrees.reopen("p", "t")
    assert sample.git("rev-parse", "HEAD", cwd=again.path) == sample.head
    assert sample.git("status", "--porcelain", cwd=again.path) == ""


async def test_removing_leaves_the_branch_and_no_trace_of_the_worktree(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    await opened.worktrees.remove("p", "t")
    assert not tree.path.parent.exists()
    assert str(tree.path) not in sample.git("worktree", "list")
    assert await opened.refs.resolve("refs/heads/clerk/p/t") == sample.head
    await opened.worktrees.remove("p", "t")
    await opened.worktrees.reopen("p", "t")


async def test_removing_survives_deep_and_locked_folders(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    locked = tree.path / "locked"
    locked.mkdir()
    (locked / "file").touch()
    locked.chmod(0)
    here = os.open(tree.path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    await opened.worktrees.remove("p", "t")
    assert not tree.path.exists()
    assert list((opened.linked.home / TRASH).iterdir()) == []


async def test_repair_mends_what_a_killed_add_breaks(sample, opened):
    """An empty ``commondir`` stops git for the whole repository."""
    await opened.worktrees.create("p", "whole", sample.head)
    tree = await opened.worktrees.create("p", "half", sample.head)
    (tree.git_dir / "commondir").write_text("")
    (tree.git_dir / "index").unlink()
    (opened.repository.state_dir / "worktrees" / "p" / "half").unlink()
    with pytest.raises(AssertionError, match="commondir"):
        sample.git("worktree", "list")
    notes = await opened.repair()
    assert notes == ("removed what was left of the worktree p/half",)
    assert "whole" in sample.git("worktree", "list")
    sample.git("gc", "-q")
    assert await opened.repair() == ()
    again = await opened.worktrees.create("p", "half", sample.head)
    assert (again.path / "a.txt").exists()


async def test_repair_mends_the_pointers_of_a_worktree_with_work_in_it(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    (tree.path / "work.txt").write_text("uncommitted")
    (tree.git_dir / "commondir").write_text("")
    await opened.repair()
    assert (tree.path / "work.txt").exists()
    assert sample.git("status", "--porcelain", cwd=tree.path) == "?? work.txt"


async def test_repair_finds_worktrees_again_when_the_state_folder_was_lost(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    (tree.path / "work.txt").write_text("uncommitted")
    await delete_trees(opened.repository.state_dir)
    assert await opened.repair() == ("found the worktree p/t again",)
    assert await opened.worktrees.reopen("p", "t") == tree
    assert (tree.path / "work.txt").exists()


async def test_repair_removes_our_stale_locks_and_only_tells_of_the_users(sample, opened):
    tree = await opened.worktrees.create("p", "t", sample.head)
    ours = [tree.git_dir / "index.lock", sample.path / ".git/refs/heads/clerk/p/t.lock"]
    users = [sample.path / ".git/index.lock", sample.path / ".git/refs/heads/main.lock"]
    for lock in (*ours, *users):
        lock.touch()
    notes = await opened.repair()
    assert not any(lock.exists() for lock in ours)
    assert all(lock.exists() for lock in users)
    assert any(str(users[0]) in note for note in notes)


async def test_repair_does_not_touch_the_users_worktrees(sample, opened, tmp_path):
    mine = tmp_path / "mine"
    sample.git("worktree", "add", "-q", "--detach", str(mine))
    lock = sample.path / ".git" / "worktrees" / "mine" / "index.lock"
    lock.touch()
    assert await opened.repair() == ()
    assert lock.exists()
    assert (mine / "a.txt").exists()


async def test_repair_empties_the_trash_of_a_killed_removal(sample, opened):
    await opened.worktrees.create("p", "t", sample.head)
    left = opened.linked.home / TRASH / "left"
    left.mkdir(parents=True)
    await opened.repair()
    assert not left.exists()

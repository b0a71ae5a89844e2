from __future__ import annotations

import os
import socket

import pytest

from orchestrator.errors import GitError
from orchestrator.git import leftovers as module

pytestmark = pytest.mark.anyio

BRANCH = "clerk/p/t"


@pytest.fixture
async def tree(sample, opened):
    return await opened.worktrees.create("p", "t", sample.head)


async def collect(opened, tree, base):
    return await opened.leftovers.collect(tree, branch=BRANCH, base=base, message="left over\n")


def spawns(opened):
    """The git commands that run from now on."""
    seen = []
    run = opened.git._run

    async def recorded(args, **kwargs):
        seen.append(args[0])
        return await run(args, **kwargs)

    opened.git._run = recorded
    return seen


async def test_doing_nothing_is_told_as_no_change(sample, opened, tree):
    left = await collect(opened, tree, sample.head)
    assert (left.head, left.changed, left.refused) == (sample.head, False, "")


async def test_everything_uncommitted_is_committed(sample, opened, tree):
    (tree.path / "new file.txt").write_text("new")
    (tree.path / "a.txt").unlink()
    (tree.path / "dir" / "b.txt").write_text("staged")
    sample.git("add", "dir/b.txt", cwd=tree.path)
    (tree.path / "ignored.pyc").write_text("no")
    left = await collect(opened, tree, sample.head)
    assert left.changed
    assert left.notes == ()
    _, paths = await opened.history.changes(sample.head, left.head)
    assert paths == ("a.txt", "dir/b.txt", "new file.txt")
    assert await opened.refs.resolve(f"refs/heads/{BRANCH}") == left.head
    assert sample.git("log", "-1", "--format=%an: %s", left.head) == "Clerk of Works: left over"
    assert sample.git("status", "--porcelain", cwd=tree.path) == ""


async def test_committed_work_is_left_as_it_is_at_the_cost_of_two_commands(sample, opened, tree):
    head = sample.commit({"work.txt": "done"}, "mine", top=tree.path)
    await opened.git.run("version", at=tree)
    seen = spawns(opened)
    left = await collect(opened, tree, sample.head)
    assert (left.head, left.changed) == (head, True)
    assert seen == ["status", "diff-tree"]


async def test_a_file_that_became_a_folder_and_a_folder_that_became_a_file(sample, opened, tree):
    (tree.path / "a.txt").unlink()
    sample.write("a.txt/inner.txt", "x", top=tree.path)
    (tree.path / "dir" / "b.txt").unlink()
    (tree.path / "dir").rmdir()
    (tree.path / "dir").write_text("file now")
    left = await collect(opened, tree, sample.head)
    assert await opened.history.tracked_files(left.head) == (".gitignore", "a.txt/inner.txt", "dir")


async def test_a_folder_that_became_a_link_and_is_no_folder_to_git_any_more(sample, opened, tree):
    sample.write("elsewhere/b.txt", "not this one", top=tree.path)
    (tree.path / "dir" / "b.txt").unlink()
    (tree.path / "dir").rmdir()
    (tree.path / "dir").symlink_to("elsewhere")
    left = await collect(opened, tree, sample.head)
    files = (".gitignore", "a.txt", "dir", "elsewhere/b.txt")
    assert await opened.history.tracked_files(left.head) == files
    assert sample.git("status", "--porcelain", cwd=tree.path) == ""


async def test_a_folder_that_is_staged_where_a_file_was_is_committed_as_it_is(sample, opened, tree):
    (tree.path / "a.txt").unlink()
    sample.write("a.txt/inner.txt", "x", top=tree.path)
    sample.git("add", "-A", cwd=tree.path)
    left = await collect(opened, tree, sample.head)
    files = (".gitignore", "a.txt/inner.txt", "dir/b.txt")
    assert await opened.history.tracked_files(left.head) == files


async def test_commits_on_a_branch_of_the_agents_own_are_brought_over(sample, opened, tree):
    sample.git("checkout", "-qb", "feature", cwd=tree.path)
    sample.commit({"work.txt": "1"}, top=tree.path)
    (tree.path / "more.txt").write_text("2")
    left = await collect(opened, tree, sample.head)
    assert left.changed
    assert await opened.refs.resolve(f"refs/heads/{BRANCH}") == left.head
    assert "more.txt" in await opened.history.tracked_files(left.head)
    assert sample.git("symbolic-ref", "HEAD", cwd=tree.path) == f"refs/heads/{BRANCH}"
    assert left.notes == ("the session ended on branch 'feature'",)


async def test_leftovers_on_the_target_do_not_move_the_target(sample, opened, tree):
    base = sample.head
    sample.git("checkout", "-q", "--ignore-other-worktrees", "main", cwd=tree.path)
    (tree.path / "work.txt").write_text("1")
    left = await collect(opened, tree, base)
    assert sample.git("rev-parse", "main") == base
    assert "work.txt" in await opened.history.tracked_files(left.head)


async def test_looking_at_an_old_commit_loses_no_work(sample, opened, tree):
    head = sample.commit({"work.txt": "1"}, top=tree.path)
    sample.git("checkout", "-q", "--detach", sample.head, cwd=tree.path)
    left = await collect(opened, tree, sample.head)
    assert left.head == head
    assert (tree.path / "work.txt").exists()


async def test_diverged_commits_of_the_branch_are_kept(sample, opened, tree):
    first = sample.commit({"one.txt": "1"}, top=tree.path)
    sample.git("checkout", "-q", "--detach", sample.head, cwd=tree.path)
    second = sample.commit({"two.txt": "2"}, top=tree.path)
    left = await collect(opened, tree, sample.head)
    assert left.head == second
    assert list((await opened.refs.list("refs/clerk/keep/p/t")).values()) == [first]


async def test_a_history_rewritten_below_its_base_is_refused_and_kept(sample, opened, tree):
    sample.git("checkout", "-q", "--orphan", "fresh", cwd=tree.path)
    orphan = sample.commit({"a.txt": "all new"}, top=tree.path)
    sample.git("branch", "-qf", BRANCH, orphan, cwd=tree.path)
    sample.git("checkout", "-q", BRANCH, cwd=tree.path)
    left = await collect(opened, tree, sample.head)
    assert "was rewritten" in left.refused
    assert sample.head[:12] in left.refused
    assert list((await opened.refs.list("refs/clerk/keep/p/t")).values()) == [orphan]


async def test_a_merge_in_progress_is_finished(sample, opened, tree):
    base = sample.head
    theirs = sample.commit_on(base, {"a.txt": "theirs\n"})
    sample.commit({"a.txt": "mine\n"}, top=tree.path)
    synced = await opened.conflicts.sync(tree, theirs, "sync")
    assert synced.conflicts == ("a.txt",)
    (tree.path / "a.txt").write_text("both\n")
    left = await collect(opened, tree, base)
    assert left.conflicts == ()
    assert await opened.history.is_ancestor(theirs, left.head)
    assert await opened.history.file_at(left.head, "a.txt") == b"both\n"


async def test_conflict_markers_that_stay_are_told(sample, opened, tree):
    base = sample.head
    theirs = sample.commit_on(base, {"a.txt": "theirs\n"})
    sample.commit({"a.txt": "mine\n"}, top=tree.path)
    await opened.conflicts.sync(tree, theirs, "sync")
    left = await collect(opened, tree, base)
    assert left.conflicts == ("a.txt",)


async def test_a_rebase_in_progress_leaves_the_branch_as_it_was(sample, opened, tree):
    base = sample.head
    theirs = sample.commit_on(base, {"a.txt": "theirs\n"})
    head = sample.commit({"a.txt": "mine\n"}, top=tree.path)
    sample.git("rebase", theirs, cwd=tree.path, ok=False)
    left = await collect(opened, tree, base)
    assert left.head == head
    assert left.conflicts == ()
    assert "rebase" in " ".join(left.notes)
    assert sample.git("status", "--porcelain", cwd=tree.path) == ""
    assert len(await opened.refs.list("refs/clerk/keep/p/t")) == 1


async def test_pipes_sockets_and_giants_are_left_out(sample, opened, tree, monkeypatch):
    (tree.path / "a.txt").unlink()
    os.mkfifo(tree.path / "a.txt")
    monkeypatch.chdir(tree.path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    with (tree.path / "giant").open("wb") as giant:
        giant.truncate(2**40)
    (tree.path / "fine.txt").write_text("fine")
    left = await collect(opened, tree, sample.head)
    _, paths = await opened.history.changes(sample.head, left.head)
    assert paths == ("fine.txt",)
    told = "\n".join(left.notes)
    assert "left out a.txt: it is a pipe" in told
    assert "left out giant: it has 1048576 MiB" in told


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
async def test_a_pipe_that_git_waits_for_is_cleared_away(sample, opened, tree, monkeypatch, name):
    monkeypatch.setattr(module, "GLANCE_SECONDS", 0.5)
    (tree.path / name).unlink(missing_ok=True)
    os.mkfifo(tree.path / name)
    (tree.path / "new.txt").write_text("work\n")
    left = await collect(opened, tree, sample.head)
    assert left.changed
    assert f"removed {name}: it is a pipe, a socket or a device" in left.notes


async def test_a_worktree_that_became_a_link_is_gone_and_never_followed(
    sample, opened, tree, tmp_path
):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("secret\n")
    tree.path.rename(tmp_path / "moved")
    tree.path.symlink_to(secret)
    left = await collect(opened, tree, sample.head)
    assert (left.changed, left.notes) == (False, ("the worktree is gone",))


async def test_a_repository_inside_the_worktree_is_left_out(sample, opened, tree, new_sample):
    new_sample(tree.path / "nested")
    left = await collect(opened, tree, sample.head)
    assert not left.changed
    assert left.notes == ("left out nested/: it is a git repository of its own",)


async def test_a_repository_committed_as_a_link_is_refused(sample, opened, tree, new_sample):
    new_sample(tree.path / "nested")
    sample.git("add", "nested", cwd=tree.path)
    sample.git("commit", "-qm", "oops", cwd=tree.path)
    left = await collect(opened, tree, sample.head)
    assert left.refused.startswith("'nested' is a repository of its own")


async def test_a_branch_made_a_pointer_is_not_committed_through(sample, opened, tree):
    base = sample.head
    sample.git("symbolic-ref", f"refs/heads/{BRANCH}", "refs/heads/main")
    (tree.path / "work.txt").write_text("1")
    with pytest.raises(GitError, match="a pointer to another branch"):
        await collect(opened, tree, base)
    assert sample.git("rev-parse", "main") == base


async def test_a_worktree_the_agent_deleted_gives_its_branch(sample, opened, tree):
    head = sample.commit({"work.txt": "1"}, top=tree.path)
    await module.delete_trees(tree.path)
    left = await collect(opened, tree, sample.head)
    assert (left.head, left.changed, left.notes) == (head, True, ("the worktree is gone",))


async def test_a_lock_the_session_died_with_is_no_hindrance(sample, opened, tree):
    (tree.git_dir / "index.lock").touch()
    (tree.path / "work.txt").write_text("1")
    assert (await collect(opened, tree, sample.head)).changed

"""The safe command: what an agent plants in the repository does not run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import GitError
from orchestrator.git.drivers import read_drivers
from orchestrator.identity import Identity

pytestmark = pytest.mark.anyio


async def test_a_failure_names_the_command_and_gits_last_word(opened):
    with pytest.raises(
        GitError, match=r"git cat-file failed with code 128: fatal: .*nothing-here"
    ) as caught:
        await opened.git.run("cat-file", "-p", "nothing-here")
    assert caught.value.code == 128
    assert caught.value.args_shown[0] == "cat-file"


async def test_a_silent_command_is_given_up(opened):
    with pytest.raises(GitError, match="gave no answer within 0 s"):
        await opened.git.run("version", timeout_seconds=0.0)


def plant_everything(sample, script):
    """Every door by which repository state can name a program."""
    hooks = sample.path / ".git" / "hooks"
    for name in (
        "pre-commit", "post-commit", "post-checkout", "post-index-change", "pre-merge-commit",
        "prepare-commit-msg", "commit-msg", "post-merge", "reference-transaction", "post-rewrite",
    ):  # fmt: skip
        hooks.mkdir(exist_ok=True)
        (hooks / name).write_bytes(script.read_bytes())
        (hooks / name).chmod(0o755)
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "sequence.editor",
        "diff.external", "gpg.program", "filter.evil.clean", "filter.evil.smudge",
        "filter.evil.process", "merge.evil.driver", "diff.evil.textconv", "diff.evil.command",
    ):  # fmt: skip
        sample.git("config", key, str(script))
    sample.git("config", "filter.evil.required", "true")
    sample.git("config", "commit.gpgSign", "true")
    info = sample.path / ".git" / "info" / "attributes"
    info.parent.mkdir(exist_ok=True)
    info.write_text("* filter=evil merge=evil diff=evil\n")


async def test_nothing_planted_in_the_repository_runs(sample, opened, canary):
    script, witness = canary
    base = sample.head
    theirs = sample.commit_on(base, {"a.txt": "theirs\n"})
    rival = sample.commit_on(base, {"c.txt": "new\n"})
    plant_everything(sample, script)

    tree = await opened.worktrees.create("p", "t", base)
    (tree.path / "a.txt").write_text("mine\n")
    (tree.path / "new.txt").write_text("new\n")
    left = await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    assert (tree.path / "a.txt").read_text() == "mine\n"
    async with opened.pool.acquire(left.head):
        pass
    async with opened.pool.acquire(base):
        pass
    await opened.candidates.merge(theirs, left.head)
    merged = await opened.candidates.merge(rival, left.head)
    built = await opened.candidates.commit(merged, message="m", author=Identity("a", "b"), date=1)
    await opened.refs.move("refs/heads/other", rival, "", "test")
    await opened.landing.land("refs/heads/other", built, rival)
    await opened.conflicts.sync(tree, theirs, "sync")
    await opened.history.diff_text(base, left.head, 10_000)
    await opened.history.file_at(left.head, "a.txt")
    await opened.landing.blockers(opened.repository.main, base, rival)
    assert not witness.exists()


async def test_a_filter_planted_while_running_does_not_run(sample, opened, canary):
    script, witness = canary
    base = sample.head
    tree = await opened.worktrees.create("p", "t", base)
    sample.git("config", "filter.late.clean", str(script))
    (tree.path / ".gitattributes").write_text("* filter=late\n")
    (tree.path / "a.txt").write_text("changed\n")
    left = await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    assert left.changed
    assert not witness.exists()


async def test_a_filter_in_an_included_file_does_not_run(sample, opened, canary, tmp_path):
    script, witness = canary
    included = tmp_path / "included"
    included.write_text("")
    sample.git("config", "include.path", str(included))
    base = sample.head
    tree = await opened.worktrees.create("p", "t", base)
    included.write_text(f'[filter "late"]\n\tclean = {script}\n')
    (tree.path / ".gitattributes").write_text("* filter=late\n")
    await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    assert not witness.exists()


async def test_a_rewritten_git_file_is_not_followed(sample, opened, canary, new_sample, tmp_path):
    """The worktree's pointer may lead to a repository whose config runs things."""
    script, witness = canary
    evil = new_sample(tmp_path / "evil")
    evil.git("config", "core.fsmonitor", str(script))
    base = sample.head
    tree = await opened.worktrees.create("p", "t", base)
    (tree.path / ".git").write_text(f"gitdir: {evil.path / '.git'}\n")
    (tree.path / "new.txt").write_text("new\n")
    left = await opened.leftovers.collect(tree, branch="clerk/p/t", base=base, message="work")
    assert left.changed
    assert not witness.exists()
    again = await opened.worktrees.reopen("p", "t")
    assert sample.git("rev-parse", "HEAD", cwd=again.path) == left.head


async def test_reading_takes_no_lock_from_the_agent(opened, sample):
    tree = await opened.worktrees.create("p", "t", sample.head)
    lock = tree.git_dir / "index.lock"
    lock.touch()
    answer = await opened.git.run("status", "--porcelain", at=tree)
    assert answer.text == ""
    assert lock.exists()


def test_the_environment_is_complete_and_names_the_engine(opened, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    env = opened.git.environment
    assert "SECRET" not in env
    assert env["GIT_OPTIONAL_LOCKS"] == "0"
    assert env["GIT_COMMITTER_NAME"] == "Clerk of Works"


@given(st.lists(st.text(min_size=1).filter(lambda name: "\0" not in name), max_size=5))
@settings(max_examples=50)
async def test_every_named_filter_is_silenced(names):
    keys = "".join(f"filter.{name}.clean\0" for name in names)
    silenced = dict(read_drivers(keys.encode("utf-8", "surrogateescape")).silencing())
    assert {f"filter.{name}.clean" for name in names} <= silenced.keys()


async def test_worktrees_without_a_configuration_of_their_own_share_one_answer(sample, opened):
    await opened.worktrees.create("p", "one", sample.head)
    drivers, asked = opened.git.drivers, []

    async def counted(at=None):
        asked.append(at)
        return await drivers(at)

    opened.git.drivers = counted
    tree = await opened.worktrees.create("p", "two", sample.head)
    assert asked == []
    (tree.git_dir / "config.worktree").write_text("[core]\n")
    await opened.git.run("status", at=tree)
    assert asked == [tree]

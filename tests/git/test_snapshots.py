"""A worktree's state as a commit: what is in it, what is refused, and that nothing is touched."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from orchestrator import executors, sandboxes
from orchestrator.allowance import Allowance
from orchestrator.borders import snapshots
from orchestrator.borders.enclosures import Enclosures
from orchestrator.borders.snapshots import Snapshots, Whose
from orchestrator.errors import GitError, SnapshotRefused
from orchestrator.git.command import WorkTree
from orchestrator.git.opening import OpenRepository
from orchestrator.git.refs import check_ref
from orchestrator.git.repository import Repository

pytestmark = pytest.mark.anyio

REF = check_ref("shop", "cart")


class Desk:
    """A worktree somebody works in, and the engine's snapshots of it."""

    def __init__(self, sample, opened: OpenRepository) -> None:
        self.sample = sample
        self.opened = opened
        self.top = sample.path.parent / "worktree"
        sample.git("worktree", "add", "-q", "-b", "clerk/shop/cart", str(self.top))
        self.tree = WorkTree(self.top, sample.path / ".git/worktrees/worktree")
        self.base = sample.head
        enclosures = Enclosures(opened.views, sample.path.parent / "enclosures", Path.home())
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        executor = executors.load("local")
        self.snapshots = Snapshots(opened, enclosures, executor, env, Allowance())

    async def take(self, sandbox="none"):
        whose = Whose("shop", "cart", self.base, sandboxes.load(sandbox), None, REF)
        return await self.snapshots.take(self.tree, whose)

    def git(self, *args: str, **env: str) -> str:
        return self.sample.git(*args, cwd=self.top, **env)

    def listing(self, commit: str) -> dict[str, str]:
        """Mode by path."""
        lines = self.git("ls-tree", "-r", commit).splitlines()
        return {line.partition("\t")[2]: line.split(" ")[0] for line in lines}


@pytest.fixture
def desk(sample, opened):
    return Desk(sample, opened)


async def test_all_that_is_not_ignored_is_in_it_as_it_stands(desk):
    (desk.top / "new é.txt").write_text("untracked\n")
    (desk.top / "a.txt").write_text("changed\n")
    (desk.top / "dir/b.txt").rename(desk.top / "dir/c.txt")
    (desk.top / "run.sh").write_text("#!/bin/sh\n")
    (desk.top / "run.sh").chmod(0o755)
    (desk.top / "link").symlink_to("a.txt")
    (desk.top / "made.pyc").write_text("ignored\n")
    taken = await desk.take()
    assert desk.git(
        "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", taken.commit
    ).split("\n") == [".gitignore", "a.txt", "dir/c.txt", "link", "new é.txt", "run.sh"]
    modes = desk.listing(taken.commit)
    assert (modes["run.sh"], modes["link"], modes["a.txt"]) == ("100755", "120000", "100644")
    assert desk.git("show", f"{taken.commit}:a.txt") == "changed"
    assert desk.git("rev-parse", f"{taken.commit}^") == desk.base
    assert desk.git("rev-parse", REF) == taken.commit
    assert taken.notes == ()


async def test_a_mode_alone_is_a_change(desk):
    (desk.top / "a.txt").chmod(0o755)
    taken = await desk.take()
    assert desk.listing(taken.commit)["a.txt"] == "100755"


async def test_it_is_the_tree_that_leftovers_would_commit(desk):
    desk.sample.commit({"c.txt": "mine\n"}, "work", top=desk.top)
    (desk.top / "a.txt").unlink()
    (desk.top / "new.txt").write_text("new\n")
    desk.git("add", "new.txt")
    (desk.top / "new.txt").write_text("newer\n")
    taken = await desk.take()
    left = await desk.opened.leftovers.collect(
        desk.tree, branch="clerk/shop/cart", base=desk.base, message="left"
    )
    assert taken.tree == desk.git("rev-parse", f"{left.head}^{{tree}}")


async def test_a_folder_that_became_a_link_is_a_link(desk):
    (desk.top / "elsewhere").mkdir()
    (desk.top / "elsewhere/b.txt").write_text("not this one")
    shutil.rmtree(desk.top / "dir")
    (desk.top / "dir").symlink_to("elsewhere")
    modes = desk.listing((await desk.take()).commit)
    assert (modes.get("dir"), modes.get("dir/b.txt")) == ("120000", None)


async def test_where_nothing_is_uncommitted_it_is_the_head_itself(desk):
    head = desk.sample.commit({"c.txt": "mine\n"}, "work", top=desk.top)
    assert (await desk.take()).commit == head


async def test_the_same_state_is_the_same_commit(desk):
    (desk.top / "new.txt").write_text("new\n")
    assert await desk.take() == await desk.take()


async def test_index_head_and_refs_stay_byte_for_byte(desk):
    (desk.top / "staged.txt").write_text("staged\n")
    desk.git("add", "staged.txt")
    (desk.top / "staged.txt").write_text("and changed since\n")
    before = _bytes(desk)
    await desk.take()
    assert _bytes(desk) == before


def _bytes(desk: Desk) -> dict[str, bytes]:
    """Everything in the repository but objects and the engine's own refs."""
    common = desk.sample.path / ".git"
    return {
        str(path): path.read_bytes()
        for path in (*common.rglob("*"), *desk.top.rglob("*"))
        if path.is_file() and not path.is_relative_to(common / "objects")
        and not path.is_relative_to(common / "refs/clerk")
    }  # fmt: skip


async def test_nothing_that_the_repository_names_is_run(desk, tmp_path):
    witness = tmp_path / "fired"
    canary = tmp_path / "canary"
    canary.write_text(f"#!/bin/sh\n: >> '{witness}'\ncat\n")
    canary.chmod(0o755)
    for key in ("core.fsmonitor", "filter.f.clean", "filter.f.process", "diff.d.command"):
        desk.git("config", key, str(canary))
    for hook in ("post-index-change", "pre-commit", "reference-transaction"):
        place = desk.sample.path / ".git/hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.write_text(canary.read_text())
        place.chmod(0o755)
    (desk.top / ".gitattributes").write_text("*.x filter=f diff=d\n")
    (desk.top / "a.x").write_text("plain\n")
    taken = await desk.take()
    assert not witness.exists()
    assert desk.git("show", f"{taken.commit}:a.x") == "plain"
    desk.git("add", "-A")
    assert witness.exists(), "plain git would have run it"


async def test_a_repository_within_is_left_out_and_told(desk, new_sample):
    new_sample(desk.top / "inner")
    taken = await desk.take()
    assert "inner" not in str(desk.listing(taken.commit))
    assert taken.notes == ("left out inner/: it is a git repository of its own",)


async def test_a_committed_link_to_a_repository_is_refused(desk):
    desk.git("update-index", "--add", "--cacheinfo", f"160000,{desk.base},sub")
    desk.git("commit", "-qm", "a link")
    (desk.top / "sub").mkdir()
    with pytest.raises(SnapshotRefused, match="'sub' is a repository of its own"):
        await desk.take()


async def test_a_link_that_leaves_the_tree_is_refused(desk):
    (desk.top / "out").symlink_to("/etc/passwd")
    with pytest.raises(SnapshotRefused, match="leads out of the tree"):
        await desk.take()
    assert not desk.git("for-each-ref", REF)


async def test_a_huge_file_is_left_out_unread(desk):
    with (desk.top / "huge").open("wb") as file:
        file.truncate(1 << 30)
    taken = await desk.take()
    assert "huge" not in desk.listing(taken.commit)
    assert "left out huge: it has 1024 MiB" in taken.notes[0]


async def test_pipes_and_sockets_are_left_alone(desk):
    os.mkfifo(desk.top / "pipe")
    (desk.top / "a.txt").unlink()
    os.mkfifo(desk.top / "a.txt")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    try:
        os.chdir(desk.top)
        listener.bind("socket")
    finally:
        os.chdir(here)
        listener.close()
    taken = await desk.take()
    assert sorted(desk.listing(taken.commit)) == [".gitignore", "a.txt", "dir/b.txt"]
    assert taken.notes == ("left out a.txt: it is a pipe, a socket or a device",)


async def test_a_pipe_that_git_waits_at_ends_in_a_sentence(desk, monkeypatch):
    monkeypatch.setattr(snapshots, "PATIENCE_SECONDS", 0.5)
    (desk.top / ".gitignore").unlink()
    os.mkfifo(desk.top / ".gitignore")
    with pytest.raises(SnapshotRefused, match="is there a pipe among the files"):
        await desk.take()


@pytest.mark.parametrize(("bound", "told"), [("MOST_FILES", "2 files"), ("MOST_BYTES", "MiB")])
async def test_too_much_is_refused(desk, monkeypatch, bound, told):
    monkeypatch.setattr(snapshots, bound, 1)
    (desk.top / "one.txt").write_text("one\n")
    (desk.top / "two.txt").write_text("two\n")
    with pytest.raises(SnapshotRefused, match=told):
        await desk.take()


async def test_a_head_that_names_nothing_is_refused(desk):
    desk.git("checkout", "-q", "--orphan", "empty")
    with pytest.raises(SnapshotRefused, match="HEAD names no commit"):
        await desk.take()


async def test_a_sha256_repository_has_snapshots_too(tmp_path, new_sample):
    sample = new_sample(tmp_path / "shop256", object_format="sha256")
    with OpenRepository(Repository.discover(sample.path)) as opened:
        desk = Desk(sample, opened)
        (desk.top / "new.txt").write_text("new\n")
        taken = await desk.take()
    assert len(taken.commit) == 64


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bwrap is not installed")
async def test_in_a_sandbox_the_reading_sees_the_work_and_nothing_beside(desk, monkeypatch):
    """Whatever git is led to while the session swaps its files, it is not there."""
    (desk.top / "new.txt").write_text("new\n")
    taken = await desk.take("bubblewrap")
    assert desk.git("show", f"{taken.commit}:new.txt") == "new"
    secret = desk.sample.path / "a.txt"
    monkeypatch.setattr(snapshots, "_LOOK", f": > '{desk.top}/written' || exit 7")
    with pytest.raises(GitError, match="Read-only file system"):
        await desk.take("bubblewrap")
    monkeypatch.setattr(snapshots, "_LOOK", f"cat '{secret}' >&2 || exit 7")
    with pytest.raises(SnapshotRefused, match="No such file"):
        await desk.take("bubblewrap")

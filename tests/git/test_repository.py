from __future__ import annotations

import subprocess

import pytest

from orchestrator.errors import CannotRun
from orchestrator.git import command
from orchestrator.git.opening import OpenRepository
from orchestrator.git.preflight import preflight
from orchestrator.git.repository import Repository

pytestmark = pytest.mark.anyio


def test_a_plain_checkout_is_found_from_a_subfolder(sample):
    found = Repository.discover(sample.path / "dir")
    assert found.common_dir == sample.path / ".git"
    assert found.checkout == sample.path
    assert found.state_dir == sample.path / ".git" / "clerk"
    assert found.worktrees_dir == sample.path.parent / "shop.worktrees"
    assert not found.is_shallow


def test_a_linked_worktree_leads_to_the_main_checkout(sample, tmp_path):
    linked = tmp_path / "linked"
    sample.git("worktree", "add", "-q", "-b", "other", str(linked))
    assert Repository.discover(linked) == Repository.discover(sample.path)


def test_a_bare_repository_has_no_checkout(sample, tmp_path):
    sample.git("clone", "-q", "--bare", str(sample.path), str(tmp_path / "bare.git"))
    found = Repository.discover(tmp_path / "bare.git")
    assert found.checkout is None
    assert found.common_dir == tmp_path / "bare.git"
    assert found.worktrees_dir == tmp_path / "bare.worktrees"


def test_a_linked_worktree_of_a_bare_repository_is_bare_too(sample, tmp_path):
    sample.git("clone", "-q", "--bare", str(sample.path), str(tmp_path / "bare.git"))
    sample.git("worktree", "add", "-q", str(tmp_path / "w"), "main", cwd=tmp_path / "bare.git")
    assert Repository.discover(tmp_path / "w").checkout is None


def test_a_separate_git_directory_is_found(sample, tmp_path):
    sample.git(
        "init",
        "-q",
        "-b",
        "main",
        "--separate-git-dir",
        str(tmp_path / "store"),
        str(tmp_path / "w"),
    )
    found = Repository.discover(tmp_path / "w")
    assert (found.common_dir, found.checkout) == (tmp_path / "store", tmp_path / "w")


@pytest.mark.parametrize("name", ["with space", "qu'o\"te", "ünï", "new\nline", "-dash", "a$b;c"])
async def test_odd_paths_work_to_the_end(tmp_path, new_sample, name):
    sample = new_sample(tmp_path / name)
    with OpenRepository(Repository.discover(sample.path)) as opened:
        assert opened.repository.checkout == sample.path
        tree = await opened.worktrees.create("p", "t", sample.head)
        assert (tree.path / "a.txt").read_text() == "one\n"
        async with opened.pool.acquire(sample.head) as checkout:
            assert (checkout.path / "dir" / "b.txt").read_text() == "two\n"
        await opened.worktrees.remove("p", "t")


async def test_sha256_shallow_and_detached_work_to_the_end(tmp_path, new_sample):
    origin = new_sample(tmp_path / "origin", object_format="sha256")
    origin.commit({"a.txt": "two\n"})
    origin.git("clone", "-q", "--depth=1", origin.path.as_uri(), str(tmp_path / "shallow"))
    origin.git("checkout", "-q", "--detach", cwd=tmp_path / "shallow")
    with OpenRepository(Repository.discover(tmp_path / "shallow")) as opened:
        assert opened.repository.object_format == "sha256"
        assert opened.repository.is_shallow
        assert preflight(opened.repository, target="main", plan="p") == ()
        tree = await opened.worktrees.create("p", "t", origin.head)
        (tree.path / "new.txt").write_text("new\n")
        left = await opened.leftovers.collect(
            tree, branch="clerk/p/t", base=origin.head, message="m"
        )
        assert left.changed
        assert len(left.head) == 64
        assert (await opened.objects.commit(left.head)).parents == (origin.head,)


def test_inherited_git_variables_are_ignored(sample, tmp_path, new_sample, monkeypatch):
    other = new_sample(tmp_path / "other")
    for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "stray-index"))
    found = Repository.discover(sample.path)
    assert found.common_dir == sample.path / ".git"
    assert found.git.run_now("rev-parse", "--git-common-dir").text == str(sample.path / ".git")
    assert not (tmp_path / "stray-index").exists()


async def test_inherited_git_variables_do_not_reach_the_object_reader(
    sample, tmp_path, new_sample, monkeypatch
):
    other = new_sample(tmp_path / "other")
    for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    mine = sample.commit({"only-here.txt": "x"}, "mine")
    with OpenRepository(Repository.discover(sample.path)) as opened:
        assert b"mine" in (opened.objects._read(mine) or b"")


def test_the_identity_is_the_repositorys_own(sample):
    sample.git("config", "user.name", "Grace")
    sample.git("config", "user.email", "grace@example.org")
    identity = Repository.discover(sample.path).identity
    assert (identity.name, identity.email) == ("Grace", "grace@example.org")


def test_without_a_user_name_the_engine_signs_itself(sample):
    assert Repository.discover(sample.path).identity.name == "Clerk of Works"


def test_a_folder_outside_any_repository_is_refused(tmp_path):
    with pytest.raises(CannotRun, match="not in a git repository"):
        Repository.discover(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(CannotRun, match="is not a folder"):
        Repository.discover(tmp_path / "nowhere")


def test_a_machine_without_git_is_refused(sample, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match="git is not installed"):
        Repository.discover(sample.path)


def test_an_old_git_is_refused(sample, tmp_path, monkeypatch):
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.37.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match=r"2\.37 is too old; install git 2\.38"):
        Repository.discover(sample.path)


def test_a_repository_of_somebody_else_is_explained(sample, monkeypatch):
    plain = command.discovery_environment
    monkeypatch.setattr(
        command, "discovery_environment", lambda: plain() | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    )
    with pytest.raises(CannotRun, match=r"another user.*safe\.directory"):
        Repository.discover(sample.path)
    subprocess.run(
        ["git", "config", "--global", "--add", "safe.directory", str(sample.path)],
        check=True,
        env=plain(),
    )
    assert Repository.discover(sample.path).checkout == sample.path


def test_preflight_passes_a_plain_repository_without_a_word(sample):
    assert preflight(Repository.discover(sample.path), target="main", plan="p") == ()
    assert not (sample.path.parent / "shop.worktrees").exists()
    assert sample.git("status", "--porcelain", "--ignored") == ""


def test_preflight_refuses_a_repository_with_a_reftable(sample):
    (sample.path / ".git" / "reftable").mkdir()
    with pytest.raises(CannotRun, match="git refs migrate --ref-format=files"):
        preflight(Repository.discover(sample.path), target="main", plan="p")


def test_preflight_refuses_a_repository_without_commits(tmp_path, sample):
    sample.git("init", "-q", "-b", "main", str(tmp_path / "empty"))
    with pytest.raises(CannotRun, match="no commits yet"):
        preflight(Repository.discover(tmp_path / "empty"), target="main", plan="p")


def test_preflight_refuses_an_unborn_target(sample):
    sample.git("checkout", "-q", "--orphan", "fresh")
    with pytest.raises(CannotRun, match="'fresh' has no commits yet"):
        preflight(Repository.discover(sample.path), target="fresh", plan="p")


def test_preflight_offers_the_branch_that_was_meant(sample):
    with pytest.raises(CannotRun, match="did you mean 'main'"):
        preflight(Repository.discover(sample.path), target="mian", plan="p")


@pytest.mark.parametrize("taken", ["clerk", "clerk/p"])
def test_preflight_refuses_a_branch_in_the_way(sample, taken):
    sample.git("branch", taken)
    with pytest.raises(CannotRun, match=f"the branch '{taken}' is in the way"):
        preflight(Repository.discover(sample.path), target="main", plan="p")


def test_preflight_refuses_a_place_it_cannot_write(sample):
    (sample.path.parent / "shop.worktrees").write_text("a file where the folder should be")
    with pytest.raises(CannotRun, match="cannot be written"):
        preflight(Repository.discover(sample.path), target="main", plan="p")


def test_preflight_lists_what_it_will_not_run(sample):
    sample.git("config", "filter.lfs.clean", "git-lfs clean")
    sample.git("config", "merge.npm.driver", "npx merge")
    sample.commit({".gitmodules": "", ".gitattributes": "*.bin filter=lfs\n"})
    told = " ".join(preflight(Repository.discover(sample.path), target="main", plan="p"))
    for word in ("filters (lfs)", "npm", "submodules"):
        assert word in told

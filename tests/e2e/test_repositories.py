"""Repositories as they are met: odd places, odd kinds, an environment that points elsewhere."""

from __future__ import annotations

from .conftest import Yard


def test_an_odd_path_a_subfolder_and_misleading_variables_change_nothing(tmp_path):
    yard = Yard.make(tmp_path / 'it\'s a "ünï" $HOME; repo')
    other = Yard.make(tmp_path / "elsewhere" / "other")
    yard.write("deep/down/here.md", "a subfolder\n")
    yard.git("branch", "-f", "main", yard.commit("a subfolder"))
    before = snapshot(other)
    plan = yard.plan({"a": "echo good > a.txt; git add a.txt; git commit -qm mine"})
    yard.clerk(
        *("run", str(plan), "--merge", "auto"),
        cwd=yard.path / "deep/down",
        GIT_DIR=str(other.path / ".git"),
        GIT_WORK_TREE=str(other.path),
        GIT_INDEX_FILE=str(other.path / ".git/index"),
        GIT_OBJECT_DIRECTORY=str(other.path / ".git/objects"),
    )
    assert yard.git("show", "main:a.txt") == "good"
    assert snapshot(other) == before
    assert yard.git("status", "--porcelain") == ""
    assert yard.git("symbolic-ref", "-q", "HEAD", check=False) == "", "HEAD is detached still"
    authors = set(yard.git("log", "--format=%an %ae %cn", "main^..main").splitlines())
    nobody = "Clerk of Works clerk@localhost Clerk of Works"
    assert authors == {nobody}, "there is no user.name anywhere"


def test_a_bare_sha256_repository_is_worked_on_beside_it(tmp_path):
    first = Yard.make(tmp_path / "first", "--object-format=sha256")
    bare = Yard(tmp_path / "shop.git", tmp_path)
    first.git("clone", "-q", "--bare", str(first.path), str(bare.path))
    bare.git("symbolic-ref", "HEAD", "refs/heads/main")
    plan = bare.plan({"a": ["echo bad > a.txt", "echo good > a.txt"]})
    done = bare.clerk("run", str(plan), "--merge", "auto")
    assert "merged as" in done.stdout
    assert len(bare.git("rev-parse", "main")) == 64
    assert bare.git("show", "main:a.txt") == "good"
    assert all(bare.passes(commit) for commit in bare.first_parents())
    assert (bare.path / "clerk/clerk.db").exists()


def test_a_shallow_clone_is_worked_on_from_one_of_its_worktrees(tmp_path):
    origin = Yard.make(tmp_path / "origin")
    origin.write("second.txt", "good\n")
    origin.git("branch", "-f", "main", origin.commit("second"))
    clone = Yard(tmp_path / "clone", tmp_path)
    origin.git("clone", "-q", "--depth=1", "-b", "main", f"file://{origin.path}", str(clone.path))
    clone.git("checkout", "-q", "--detach")
    linked = tmp_path / "linked"
    clone.git("worktree", "add", "-q", "-b", "topic", str(linked))
    plan = clone.plan({"a": "echo good > a.txt"})
    clone.clerk("run", str(plan), "--merge", "auto", cwd=linked)
    assert clone.git("show", "main:a.txt") == "good"
    assert clone.git("rev-parse", "--is-shallow-repository") == "true"
    assert clone.git("branch", "--list", "topic", "--format=%(worktreepath)") == str(linked)
    assert (clone.path / ".git/clerk/clerk.db").exists()
    assert not (tmp_path / "linked.worktrees").exists()


def test_the_architects_name_stands_on_what_lands(yard):
    yard.git("config", "user.name", "Ünsal O'Brien")
    yard.git("config", "user.email", "u@example.org")
    plan = yard.plan({"a": "echo good > a.txt; git add a.txt; git commit -qm mine"})
    yard.clerk("run", str(plan), "--merge", "auto")
    assert set(yard.git("log", "--format=%an <%ae>", "main^..main").splitlines()) == {
        "Ünsal O'Brien <u@example.org>"
    }


def snapshot(yard: Yard) -> dict[str, bytes]:
    """Every file of a repository, git's own included."""
    files = (path for path in yard.path.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}

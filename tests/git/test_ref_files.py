"""Refs read from their files: the same as git tells, and nothing that git would not take for one."""

from __future__ import annotations

import pytest

from orchestrator.git.ref_files import RefFiles

pytestmark = pytest.mark.anyio
KINDS = ("refs/heads/", "refs/tags/", "refs/remotes/")


def told(sample, *kinds):
    listing = sample.git("for-each-ref", "--format=%(refname) %(objectname)", *kinds)
    return dict(line.split(" ") for line in listing.splitlines())


@pytest.fixture
def varied(sample):
    """Loose and packed refs, one of them both, a tag object, and pointers at others."""
    sample.git("tag", "-a", "v1", "-m", "annotated")
    sample.git("branch", "packed")
    sample.git("update-ref", "refs/remotes/origin/main", "HEAD")
    sample.git("pack-refs", "--all")
    sample.commit({"a.txt": "more\n"})
    sample.git("branch", "deep/er")
    sample.git("branch", "ünï-'q\"")
    sample.git("tag", "v2")
    sample.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    sample.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    sample.git("update-ref", "refs/elsewhere/x", "HEAD")
    return sample


def test_refs_are_what_git_says(varied):
    files = RefFiles(varied.path / ".git")
    assert files.commits(KINDS) == told(varied, "refs/heads", "refs/tags", "refs/remotes")
    varied.commit({"a.txt": "again\n"})
    varied.git("branch", "-D", "packed")
    varied.git("pack-refs", "--all")
    assert files.commits(KINDS) == told(varied, "refs/heads", "refs/tags", "refs/remotes")


def test_what_git_takes_for_no_ref_is_left_out(varied):
    expected = told(varied, "refs/heads")
    heads = varied.path / ".git/refs/heads"
    for name in ("a b", "a..b", "x\ny", ".hidden", "dot.", "a@{b", "back\\slash", "star*"):
        (heads / name).write_text(f"{varied.head}\n")
    (heads / "garbled").write_text("no commit\n")
    (heads / "round").write_text("ref: refs/heads/round\n")
    (heads / "nowhere").write_text("ref: refs/heads/gone\n")
    assert RefFiles(varied.path / ".git").commits(["refs/heads/"]) == expected


async def test_a_view_holds_the_refs_and_of_ours_its_own_branch_alone(varied, opened):
    start = varied.head
    tree = await opened.worktrees.create("p", "t", start)
    await opened.worktrees.create("p", "other", start)
    expected = told(varied, "refs/heads", "refs/tags", "refs/remotes")
    del expected["refs/heads/clerk/p/other"]
    folder = opened.repository.state_dir / "view"
    view = await opened.views.make(
        folder, tree, sandbox="s", branch="clerk/p/t", borrowed_at=varied.path / ".git/objects"
    )
    assert view.known == expected
    listing = varied.git("--git-dir", str(folder), "for-each-ref", "--format=%(refname)")
    assert listing.splitlines() == sorted(expected)
    assert await opened.views.is_untouched(view, "refs/heads/clerk/p/t")

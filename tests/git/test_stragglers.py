"""Checkouts that stayed behind: what the command that is told does to them, and what is told of them."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator.git.command import WorkTree
from orchestrator.git.stragglers import BEHIND, how_to_follow

pytestmark = pytest.mark.anyio

MAIN = "refs/heads/main"


@pytest.fixture
def landed(sample):
    """What is landed: files changed, added, removed."""
    sample.commit({"a.txt": "one\n", "gone.txt": "old\n", "else.txt": "x\n"})
    old = sample.head
    sample.git("rm", "-q", "gone.txt")
    new = sample.commit({"a.txt": "two\n", "new.txt": "new\n"})
    sample.git("reset", "-q", "--hard", old)
    return old, new


@pytest.fixture
def look(sample, opened):
    async def ask(*, forget=False):
        trees = opened.landing.standing_on(MAIN, opened.repository.main)
        tip = sample.git("rev-parse", MAIN)
        return await opened.stragglers.look(MAIN, trees, tip, forget=forget)

    return ask


@pytest.fixture
def land(sample, opened):
    async def go(old, new):
        trees = opened.landing.standing_on(MAIN, opened.repository.main)
        await opened.stragglers.expect(MAIN, trees, old, new)
        sample.git("update-ref", MAIN, new, old)

    return go


def obey(line):
    return subprocess.run(["sh", "-c", line], cwd="/", capture_output=True, check=False).returncode


async def test_a_clean_checkout_comes_up_by_the_command_and_is_forgotten(
    sample, landed, land, look
):
    await land(*landed)
    [found] = await look()
    assert (found.at, found.past) == landed
    assert sample.git("status", "--porcelain").split() != []
    assert obey(found.mend) == 0
    assert sample.git("status", "--porcelain") == ""
    assert (sample.path / "a.txt").read_text() == "two\n"
    assert not (sample.path / "gone.txt").exists()
    assert await look(forget=True) == ()
    assert sample.git("for-each-ref", BEHIND) == ""


@pytest.mark.parametrize("git", ["merge --ff-only HEAD", "checkout main", "reset --keep HEAD"])
async def test_what_comes_to_mind_first_does_not_bring_it_up(sample, landed, land, look, git):
    """Why a plumbing command is told: HEAD is there already, so that these see nothing to do."""
    await land(*landed)
    sample.git(*git.split())
    assert (sample.path / "a.txt").read_text() == "one\n"


@pytest.mark.parametrize("name", ["a.txt", "new.txt", "gone.txt"])
@pytest.mark.parametrize("staged", [False, True])
async def test_the_command_refuses_where_it_would_lose_a_persons_work(
    sample, landed, land, look, *, name, staged
):
    await land(*landed)
    sample.write(name, "mine\n")
    if staged:
        sample.git("add", name)
    [found] = await look()
    before = sample.git("ls-files", "-s")
    assert obey(found.mend) != 0
    assert sample.git("ls-files", "-s") == before
    assert (sample.path / name).read_text() == "mine\n"


async def test_the_command_keeps_a_persons_work_elsewhere(sample, landed, land, look):
    await land(*landed)
    sample.write("else.txt", "mine\n")
    sample.write("staged.txt", "mine\n")
    sample.git("add", "staged.txt")
    [found] = await look()
    assert obey(found.mend) == 0
    assert sample.git("status", "--porcelain").split() == ["M", "else.txt", "A", "staged.txt"]
    assert (sample.path / "new.txt").read_text() == "new\n"
    assert await look() == ()


async def test_what_was_refused_is_an_ordinary_checkout_once_it_stands_where_it_is(
    sample, landed, land, look
):
    """The way out that docs/merging.md tells: nothing moves but HEAD, and git can merge again."""
    old, new = landed
    await land(old, new)
    sample.write("a.txt", "mine\n")
    sample.git("update-ref", "--no-deref", "HEAD", old)
    assert sample.git("status", "--porcelain").split() == ["M", "a.txt"]
    sample.git("commit", "-qam", "my work")
    assert sample.git("rev-parse", "main") == new
    assert await look() == ()


async def test_it_names_the_commit_it_was_first_left_at(sample, landed, land, look):
    old, new = landed
    await land(old, new)
    newer = sample.commit_on(new, {"newer.txt": "x\n"})
    await land(new, newer)
    [found] = await look()
    assert (found.at, found.past) == (old, newer)
    assert obey(found.mend) == 0
    assert sample.git("status", "--porcelain") == ""


async def test_each_of_several_checkouts_is_told_by_itself(sample, landed, land, look, tmp_path):
    other = tmp_path / "it's other"
    sample.git("worktree", "add", "-q", "-f", str(other), "main")
    await land(*landed)
    found = await look()
    assert {str(one.worktree.path) for one in found} == {str(sample.path), str(other)}
    assert [obey(one.mend) for one in found] == [0, 0]
    assert await look() == ()
    assert (other / "new.txt").read_text() == "new\n"


async def test_a_commit_made_there_that_takes_landed_work_back_is_told_with_its_mend(
    sample, landed, land, look
):
    old, new = landed
    await land(old, new)
    sample.write("else.txt", "mine\n")
    sample.git("commit", "-qam", "my work")
    [found] = await look(forget=True)
    assert found.taken_back == ("a.txt", "gone.txt", "new.txt")
    sample.write("a.txt", "mine\n")
    assert obey(found.mend) != 0, "it loses nothing either"
    assert (sample.path / "a.txt").read_text() == "mine\n"
    sample.git("checkout", "-q", "a.txt")
    assert obey(found.mend) == 0
    sample.git("commit", "-qm", "brought back")
    assert sample.git("diff", "--name-only", new, "main") == "else.txt"
    assert await look(forget=True) == ()
    assert sample.git("for-each-ref", BEHIND) == ""


async def test_a_commit_that_takes_nothing_back_is_nothing_to_tell(sample, landed, land, look):
    await land(*landed)
    [found] = await look()
    obey(found.mend)
    sample.commit({"else.txt": "mine\n"})
    assert await look() == ()


async def test_a_move_that_never_came_leaves_no_trace(sample, opened, landed, look):
    """The engine died, or lost the race, between its note and the move."""
    old, new = landed
    trees = opened.landing.standing_on(MAIN, opened.repository.main)
    await opened.stragglers.expect(MAIN, trees, old, new)
    assert await look() == ()
    theirs = sample.commit({"theirs.txt": "x\n"})
    later = sample.commit_on(theirs, {"b.txt": "x\n"})
    assert set((await opened.stragglers.expect(MAIN, trees, theirs, later)).values()) == {theirs}


def test_the_command_is_safe_for_a_shell(tmp_path):
    tree = WorkTree(tmp_path / "a $(touch x); 'b", tmp_path)
    assert "'a $(touch x)" not in how_to_follow(tree, "1" * 40).split(" read-tree")[1]
    assert f"git -C '{tmp_path}/a $(touch x); '\"'\"'b' read-tree" in how_to_follow(tree, "1" * 40)

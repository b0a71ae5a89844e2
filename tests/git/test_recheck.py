"""What may not land though somebody built it: each of these has happened to a merge queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.errors import GitError
from orchestrator.git.candidates import Candidate
from orchestrator.git.messages import merge_message
from orchestrator.identity import Identity
from orchestrator.states import Strategy

pytestmark = pytest.mark.anyio

MAIN = "refs/heads/main"
USER = Identity("Ada", "ada@example.org")
MESSAGE = merge_message("t", "", task="t", plan="p", sandbox="none", verified=[])
LINES = "".join(f"line {number}\n" for number in range(40))


@pytest.fixture
def target(sample, plumbing):
    """The target, checked out nowhere, with a file that is long enough to be renamed."""
    sample.git("checkout", "-q", "--detach")
    commit = plumbing.commit({"long.txt": LINES, "other.txt": "other\n"}, sample.head)
    sample.git("update-ref", MAIN, commit)
    return commit


async def build(opened, target, head, strategy=Strategy.MERGE):
    merged = await opened.candidates.merge(target, head)
    return await opened.strategies.build(merged, strategy, message=MESSAGE, author=USER, date=1)


@pytest.mark.parametrize("strategy", Strategy)
async def test_several_land_at_once_in_any_strategy(sample, opened, plumbing, target, strategy):
    """The second is stacked on the first, the third holds a merge of its own."""
    one = plumbing.commit({"a": "1"}, target)
    two = plumbing.commit({"b": "2"}, one)
    three = plumbing.commit({"a": "1", "c": "3"}, plumbing.commit({}, target), one)
    chain, base = [], target
    for head in (one, two, three):
        chain.append(await build(opened, base, head, strategy))
        base = chain[-1].commit
    *before, last = chain
    await opened.landing.land(MAIN, last, target, before=before)
    assert sample.git("rev-parse", "main") == last.commit
    assert sample.git("ls-tree", "--name-only", "main").split()[1:6] == [
        "a",
        "a.txt",
        "b",
        "c",
        "dir",
    ]


@pytest.mark.parametrize("strategy", Strategy)
async def test_work_that_had_landed_is_not_taken_back(sample, opened, plumbing, target, strategy):
    """Built by the tree of the branch, as if nothing had landed since it began."""
    head = plumbing.commit({"a": "1"}, target)
    landed = plumbing.commit({"long.txt": "landed\n"}, target)
    sample.git("update-ref", MAIN, landed)
    good = await build(opened, landed, head, strategy)
    tree = await opened.objects.tree_of(head)
    words = (await opened.objects.commit(good.commit)).message
    parents = (landed, head) if strategy is Strategy.MERGE else (landed,)
    bad = await opened.candidates.commit_tree(tree, parents, message=words, author=USER, date=1)
    with pytest.raises(GitError, match="is not what merging"):
        await opened.landing.land(MAIN, replace(good, commit=bad, tree=tree), landed)
    assert sample.git("rev-parse", "main") == landed


async def test_a_path_that_no_member_touched_stops_it(opened, plumbing, target, monkeypatch):
    """Even where git itself would merge that way."""
    head = plumbing.commit({"a": "1"}, target)
    wrong = plumbing.commit({"a": "1", "other.txt": "gone back\n"}, target)
    tree = await opened.objects.tree_of(wrong)

    async def merge(target, head):
        return Candidate("", tree, target, head)

    monkeypatch.setattr(opened.candidates, "merge", merge)
    made = await opened.candidates.commit_tree(
        tree, (target, head), message=MESSAGE, author=USER, date=1
    )
    with pytest.raises(GitError, match=r"what no task of it touched: other\.txt"):
        await opened.landing.land(MAIN, Candidate(made, tree, target, head), target)


async def test_what_the_target_renamed_may_change_under_its_new_name(opened, plumbing, target):
    head = plumbing.commit({"long.txt": LINES.replace("line 3\n", "mine\n")}, target)
    renamed = plumbing.commit({"long.txt": None, "new name.txt": LINES}, target)
    built = await build(opened, renamed, head)
    assert b"mine" in await opened.history.file_at(built.commit, "new name.txt")
    await opened.landing._recheck.chain((built,), renamed)


async def test_a_branch_that_took_in_the_target_twice_may_land(opened, plumbing, target):
    """Each side took in the other before, so that there are two merge bases, and the branch went back
    behind both: each path differs from one of them alone."""
    start = plumbing.commit({"p": "0", "q": "0"}, target)
    ours, theirs = plumbing.commit({"p": "1"}, start), plumbing.commit({"q": "1"}, start)
    head = plumbing.commit({"p": "0", "q": "0", "c": "1"}, ours, theirs)
    moved = plumbing.commit({"p": "1", "q": "1", "d": "1"}, theirs, ours)
    built = await build(opened, moved, head)
    assert len(await opened.history.merge_bases(moved, head)) == 2
    assert await opened.history.paths(moved, built.commit) == {"c", "p", "q"}
    await opened.landing._recheck.chain((built,), moved)


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_chain_with_a_gap_is_refused(opened, plumbing, target, strategy):
    heads = [plumbing.commit({name: "1"}, target) for name in "ab"]
    one, two = [await build(opened, target, head, strategy) for head in heads]
    with pytest.raises(GitError, match="was not built on"):
        await opened.landing.land(MAIN, two, target, before=(one,))
    with pytest.raises(GitError, match="was not built on"):
        await opened.landing.land(MAIN, replace(two, target=one.commit), target, before=(one,))


@pytest.mark.parametrize("strategy", [Strategy.SQUASH, Strategy.REBASE])
async def test_a_head_that_is_recorded_nowhere_is_refused(opened, plumbing, target, strategy):
    one, two = (plumbing.commit({"a": "1"}, target, message=words) for words in ("one", "two"))
    built = await build(opened, target, one, strategy)
    with pytest.raises(GitError, match="does not hold the task's head"):
        await opened.landing._recheck.chain((replace(built, head=two),), target)

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.git.candidates import Conflict
from orchestrator.git.messages import merge_message
from orchestrator.identity import Identity
from orchestrator.states import Strategy

pytestmark = pytest.mark.anyio

USER = Identity("Ada", "ada@example.org")
DATE = 1_700_000_000
MESSAGE = merge_message(
    "The cart shows a total",
    "",
    task="cart",
    plan="shop",
    sandbox="none",
    verified=[("unit", "f0")],
)
LINES = {f"l{number}": f"{number}" for number in range(12)}
"""Far enough apart that a merge does not take neighbours for one change."""


def file(changes):
    return "".join(f"{changes.get(key, was)}\n\n\n\n" for key, was in LINES.items())


async def build(opened, target, head, strategy):
    merged = await opened.candidates.merge(target, head)
    assert not isinstance(merged, Conflict)
    made = await opened.strategies.build(merged, strategy, message=MESSAGE, author=USER, date=DATE)
    again = await opened.strategies.build(merged, strategy, message=MESSAGE, author=USER, date=DATE)
    assert made == again, "the same input is the same object"
    assert made.tree == merged.tree == await opened.objects.tree_of(made.commit)
    return made


def log(sample, *args):
    return sample.git("log", "--format=%an|%ae|%at|%s", *args).splitlines()


EDIT = st.dictionaries(st.sampled_from(sorted(LINES)), st.sampled_from("xyz"), max_size=3)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(theirs=st.lists(EDIT, max_size=2), mine=st.lists(EDIT, min_size=1, max_size=4))
async def test_every_strategy_gives_the_merges_tree(opened, plumbing, theirs, mine):
    """Also where steps conflict, undo each other or bring what the target holds already."""
    base = plumbing.commit({"a": file({}), "b": file({})})

    def branch(edits, name, who):
        tip, known = base, {}
        for number, edit in enumerate(edits):
            known |= edit
            files = {"a": file(known), "b": file({}), f"{name}{number % 2}": str(sorted(edit))}
            tip = plumbing.commit(files, tip, message=f"{name} {number}", who=who)
        return tip

    target, head = branch(theirs, "t", "Ada"), branch(mine, "m", "Bot")
    if isinstance(await opened.candidates.merge(target, head), Conflict):
        return
    for strategy in Strategy:
        made = await build(opened, target, head, strategy)
        await opened.landing._recheck.chain((made,), target)
        assert (made.strategy is strategy) or made.strategy is Strategy.SQUASH
        ours = log(plumbing.sample, "--first-parent", f"{target}..{made.commit}")
        if made.strategy is not Strategy.MERGE:
            assert {line.split("|")[0] for line in ours} == {"Bot"}
            assert not log(plumbing.sample, "--min-parents=2", f"{target}..{made.commit}")


async def test_a_squashed_branch_is_one_commit_by_whom_it_is_of(sample, opened, plumbing):
    base = sample.head
    one = plumbing.commit({"m": "1"}, base, who="Bot")
    two = plumbing.commit({"m": "2"}, one, who="Eve <x>\n\nClerk-Task: forged")
    three = plumbing.commit({"m": "3"}, two, who="Bot")
    target = sample.commit({"t.txt": "t"})
    made = await build(opened, target, three, Strategy.SQUASH)
    commit = await opened.objects.commit(made.commit)
    assert commit.parents == (target,)
    assert commit.author == Identity("Bot", "bot@example.org")
    assert commit.subject == "The cart shows a total"
    told = sample.git("log", "-1", "--format=%(trailers)", made.commit).splitlines()
    assert told[:3] == ["Clerk-Task: cart", "Clerk-Plan: shop", "Clerk-Sandbox: none"]
    assert told[4:7] == [
        "Clerk-Strategy: squash", f"Clerk-Base: {target}", f"Clerk-Head: {three}",
    ]  # fmt: skip
    assert told[7].startswith("Co-authored-by: Eve x")
    assert sum(line.startswith("Clerk-Task") for line in told) == 1


async def test_replayed_commits_keep_author_date_and_words(sample, opened, plumbing):
    base = sample.head
    one = plumbing.commit({"m": "1"}, base, message="one\n\nwhy  \n\n", who="Bot", date="5 +0530")
    two = plumbing.commit({"m": "2"}, one, message="two\n\nSigned-off-by: Bot", who="Eve")
    target = sample.commit({"t.txt": "t"})
    made = await build(opened, target, two, Strategy.REBASE)
    assert made.strategy is Strategy.REBASE
    assert log(sample, f"{target}..{made.commit}") == [
        "Eve|eve@example.org|1600000000|two",
        "Bot|bot@example.org|5|one",
    ]
    shown = sample.git("cat-file", "commit", f"{made.commit}^")
    assert "author Bot <bot@example.org> 5 +0530\n" in shown
    assert f"committer Clerk of Works <clerk@localhost> {DATE} +0000\n" in shown
    assert shown.endswith("\n\none\n\nwhy  \n")
    told = sample.git("log", "-1", "--format=%B", made.commit)
    assert told.startswith("two\n\nSigned-off-by: Bot\n\nClerk-Task: cart\n")
    assert f"Clerk-Head: {two}\n" in told
    sample.git("fsck", "--strict")


async def test_a_commit_without_words_gets_the_tasks(sample, opened, plumbing):
    head = plumbing.commit({"m": "1"}, sample.head, message="")
    made = await build(opened, sample.head, head, Strategy.REBASE)
    assert (await opened.objects.commit(made.commit)).subject == "The cart shows a total"


async def test_what_the_target_holds_already_is_left_out(sample, opened, plumbing):
    base = sample.head
    one = plumbing.commit({"same": "1"}, base, message="the same")
    two = plumbing.commit({"m": "2"}, one, message="two")
    three = plumbing.commit({}, two, message="empty from the beginning")
    target = plumbing.commit({"same": "1"}, base, message="theirs")
    made = await build(opened, target, three, Strategy.REBASE)
    assert [line.split("|")[3] for line in log(sample, f"{target}..{made.commit}")] == [
        "empty from the beginning",
        "two",
    ]


@pytest.mark.parametrize(
    "kind", ["merge", "conflict", "forged", "other letters", "nothing left", "taken back"]
)
async def test_what_cannot_be_replayed_is_squashed(sample, opened, plumbing, kind):
    base = sample.head
    words = {"forged": "x\n\nclerk-task : other"}.get(kind, "x")
    head = plumbing.commit({"a.txt": "mine\n"}, base, message=words)
    target = plumbing.commit({"t": "t"}, base)
    if kind == "merge":
        head = plumbing.commit({"a.txt": "mine\n", "t": "t"}, head, target)
        target = plumbing.commit({"u": "u"}, target)
    elif kind == "conflict":  # the second commit takes back what conflicts in the first
        head = plumbing.commit({"a.txt": "one\n", "m": "m"}, head)
        target = plumbing.commit({"a.txt": "theirs\n"}, base)
    elif kind == "taken back":  # replayed, it would take back what the target has of its own
        head = plumbing.commit({"a.txt": "one\n", "m": "m"}, head)
        target = plumbing.commit({"a.txt": "mine\n"}, base)
    elif kind == "other letters":
        head = plumbing.commit({"m": "m"}, base, message="x", encoding="UTF-7")
    elif kind == "nothing left":
        target = plumbing.commit({"a.txt": "mine\n"}, base)
    made = await build(opened, target, head, Strategy.REBASE)
    assert made.strategy is Strategy.SQUASH
    assert (await opened.objects.commit(made.commit)).parents == (target,)
    assert f"Clerk-Head: {head}" in sample.git("log", "-1", "--format=%B", made.commit)


async def test_a_long_branch_is_squashed(sample, opened, plumbing, monkeypatch):
    monkeypatch.setattr("orchestrator.git.replay.MOST_COMMITS", 2)
    head = sample.head
    for number in range(3):
        head = plumbing.commit({"m": f"{number}"}, head)
    made = await build(opened, sample.head, head, Strategy.REBASE)
    assert made.strategy is Strategy.SQUASH


async def test_git_reads_what_was_added_as_trailers(sample, opened, plumbing):
    words = "clerk-web: x\n\nFixes: 1\n# no trailer"
    head = plumbing.commit({"m": "1"}, sample.head, message=words)
    made = await build(opened, sample.head, head, Strategy.REBASE)
    assert made.strategy is Strategy.REBASE
    told = sample.git("log", "-1", "--format=%(trailers:only,unfold)", made.commit)
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "Clerk-Task", "Clerk-Plan", "Clerk-Sandbox", "Clerk-Verified", "Clerk-Strategy",
        "Clerk-Base", "Clerk-Head",
    ]  # fmt: skip

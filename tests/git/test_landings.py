"""Which landings are believed where nothing is left but git."""

from __future__ import annotations

import pytest

from orchestrator.git.landings import landing_of, landings, undoing_of
from orchestrator.git.messages import merge_message, revert_message, with_trailers
from orchestrator.identity import Identity
from orchestrator.states import Strategy

pytestmark = pytest.mark.anyio

USER = Identity("Ada", "ada@example.org")
MESSAGE = merge_message("t", "", task="t", plan="p", sandbox="none", verified=[])


async def found(opened, tip, *heads, task="t"):
    past = await landings(opened.git, tip)
    return await landing_of(past, "p", task, heads, by=(opened.objects, opened.candidates))


async def build(opened, target, head, strategy):
    merged = await opened.candidates.merge(target, head)
    return await opened.strategies.build(merged, strategy, message=MESSAGE, author=USER, date=1)


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_landing_of_each_strategy_is_found_again(sample, opened, plumbing, strategy):
    base = sample.head
    head = plumbing.commit({"b": "2"}, plumbing.commit({"a": "1"}, base))
    target = plumbing.commit({"c": "3"}, base)
    built = await build(opened, target, head, strategy)
    tip = plumbing.commit({"d": "4"}, built.commit)
    past = await found(opened, tip, head)
    assert (past.commit, past.base, past.head) == (built.commit, target, head)
    assert past.strategy is strategy
    assert await found(opened, tip, head, task="other") is None
    assert await found(opened, tip, target) is None, "not a head of the task's"


@pytest.mark.parametrize("strategy", ["squash", "rebase"])
@pytest.mark.parametrize("base_told", ["base", "nothing", "--help"])
async def test_a_commit_that_only_says_it_holds_the_work_is_none(
    sample, opened, plumbing, strategy, base_told
):
    """An agent's own commit, taken in by a fast-forward: the trailers are perfect, the work is not there."""
    base = sample.head
    head = plumbing.commit({"a": "1"}, base)
    told = {"base": base, "nothing": "1" * 40}.get(base_told, base_told)
    words = with_trailers(
        MESSAGE, [("Clerk-Strategy", strategy), ("Clerk-Base", told), ("Clerk-Head", head)]
    )
    forged = plumbing.commit({"x": "1"}, base, message=words)
    assert await found(opened, forged, head) is None


async def test_one_that_names_two_heads_is_none(sample, opened, plumbing):
    base = sample.head
    head = plumbing.commit({"a": "1"}, base)
    told = [("Clerk-Strategy", "squash"), ("Clerk-Base", base)]
    words = with_trailers(MESSAGE, [*told, ("Clerk-Head", "1" * 40), ("Clerk-Head", head)])
    assert await found(opened, plumbing.commit({"a": "1"}, base, message=words), head) is None


@pytest.mark.parametrize("strategy", Strategy)
async def test_what_took_a_landing_back_is_found_by_what_it_holds(
    sample, opened, plumbing, strategy
):
    head = plumbing.commit({"a": "1"}, sample.head)
    landed = await build(opened, sample.head, head, strategy)
    since = plumbing.commit({"b": "1"}, landed.commit)
    words = revert_message("t", landed=landed.commit, task="t", plan="p", sandbox="none")
    forged = plumbing.commit({"c": "1"}, since, message=words)
    back = plumbing.commit({"a": None}, forged, message=words)
    past = await landings(opened.git, back)
    assert [one.undoes for one in past] == [True, True, False]
    by = opened.objects, opened.reverting
    landing = await found(opened, back, head)
    assert (await undoing_of(past, landing, by=by)).commit == back
    assert await undoing_of(past[1:], landing, by=by) is None

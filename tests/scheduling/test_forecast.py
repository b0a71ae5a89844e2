"""The forecast is pure: branches and answers in, what will conflict out."""

from __future__ import annotations

from itertools import combinations, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.forecast import (
    Branch,
    Clash,
    Outlook,
    Question,
    forecast,
    meeting,
    questions,
    still_asked,
)

PATHS = ["a", "a/x", "a/x/y", "b", "b/x", "c"]


def branch(name, *paths, met=False):
    return Branch(("p", name), f"head-{name}", frozenset(paths), met)


@st.composite
def sites(draw):
    """Branches, and a world in which each file of each branch may or may not conflict."""
    names = draw(st.lists(st.sampled_from("stuvwx"), unique=True, max_size=5))
    branches = [
        branch(name, *draw(st.sets(st.sampled_from(PATHS), max_size=3)), met=draw(st.booleans()))
        for name in names
    ]
    heads = [one.head for one in branches]
    asked = [("", head) for head in heads] + list(combinations(sorted(heads), 2))
    world = {
        pair: tuple(sorted(draw(st.sets(st.sampled_from(PATHS), max_size=2)))) for pair in asked
    }
    return branches, world


def answered(branches, world, *, limit=10_000):
    known = {}
    while asked := list(questions("T", branches, known))[:limit]:
        for question in asked:
            assert question.target == "T"
            known[question] = world[question.first, question.head]
        if limit < 10_000:
            break
    return known


def is_apart(one, other):
    """Whether no path of one is, or lies in, a path of the other."""
    return not any(
        a == b or a.startswith(f"{b}/") or b.startswith(f"{a}/")
        for a in one.paths
        for b in other.paths
    )


@settings(max_examples=200, deadline=None)
@given(sites())
def test_only_branches_that_share_a_file_are_ever_told_to_conflict(site):
    branches, world = site
    by_key = {one.key: one for one in branches}
    told = forecast("main", "T", branches, answered(branches, world))
    assert told.unknown == frozenset()
    for clash in told.clashes:
        one, other = by_key[clash.one], by_key[clash.other]
        assert not is_apart(one, other)
        assert not told.against_target[one.key]
        assert not told.against_target[other.key]
        assert clash.paths
        for path in clash.paths:
            assert not any(is_apart(branch("z", path), side) for side in (one, other))
    for one, other in combinations(branches, 2):
        pair = tuple(sorted((one.key, other.key)))
        assert (pair in told.meeting) is not is_apart(one, other)


@settings(max_examples=60, deadline=None)
@given(sites(), st.randoms())
def test_the_order_in_which_branches_are_told_says_nothing(site, random):
    branches, world = site
    told = forecast("main", "T", branches, answered(branches, world))
    random.shuffle(branches)
    assert forecast("main", "T", branches, answered(branches, world)) == told


@settings(max_examples=60, deadline=None)
@given(sites(), st.integers(1, 4))
def test_a_look_that_is_cut_short_tells_no_conflict_that_a_whole_one_does_not(site, limit):
    branches, world = site
    whole = forecast("main", "T", branches, answered(branches, world))
    part = forecast("main", "T", branches, answered(branches, world, limit=limit))
    assert set(part.clashes) <= set(whole.clashes)
    assert part.unknown | {(c.one, c.other) for c in part.clashes} >= {
        (c.one, c.other) for c in whole.clashes
    }


def test_a_pair_is_asked_about_only_once_both_are_known_to_merge():
    one, other = branch("a", "x"), branch("b", "x")
    first = list(questions("T", (one, other), {}))
    assert first == [Question("T", "head-a"), Question("T", "head-b")]
    clean = dict.fromkeys(first, ())
    assert list(questions("T", (one, other), clean)) == [Question("T", "head-b", "head-a")]
    dirty = clean | {first[0]: ("x",)}
    assert list(questions("T", (one, other), dirty)) == []
    told = forecast("main", "T", (one, other), dirty)
    assert told.clashes == ()
    assert told.against_target == {one.key: ("x",), other.key: ()}
    assert told.is_open((one.key, other.key))


def test_a_branch_that_meets_nothing_costs_nothing():
    alone, met = branch("a", "x"), branch("b", "y", met=True)
    assert list(questions("T", (alone, met), {})) == [Question("T", "head-b")]
    assert forecast("main", "T", (alone, met), {}).against_target == {alone.key: ()}


def test_what_a_stacked_branch_holds_of_others_is_not_laid_at_its_door():
    stacked, other = branch("a", "own", "shared"), branch("b", "shared", "below")
    known = {
        Question("T", "head-a"): (),
        Question("T", "head-b"): (),
        Question("T", "head-b", "head-a"): ("below",),
    }
    assert forecast("main", "T", (stacked, other), known).clashes == ()


def test_a_stack_does_not_meet_what_it_stands_on():
    below, stacked = branch("a", "x"), Branch(("p", "b"), "h", frozenset("x"), on={("p", "a")})
    assert list(meeting((below, stacked))) == []
    assert len(list(meeting((below, stacked, branch("c", "x"))))) == 2


def test_answers_about_what_is_no_more_are_forgotten():
    one, other, gone = branch("a", "x"), branch("b", "x"), branch("c", "x")
    known = {Question("T", x.head): () for x in (one, other, gone)}
    known |= {
        Question("T", two.head, first.head): ("x",)
        for first, two in permutations((one, other, gone), 2)
    }
    told = forecast("main", "T", (one, other), known)
    kept = still_asked(known, [told])
    assert {(q.first, q.head) for q in kept} == {
        ("", "head-a"),
        ("", "head-b"),
        ("head-a", "head-b"),
        ("head-b", "head-a"),
    }
    assert still_asked(known, []) == {}


def test_the_outlook_tells_a_task_whom_it_will_meet_and_where():
    one, other = branch("a", "x", "y", "z"), Branch(("q", "b"), "h", frozenset("x"))
    outlook = Outlook()
    clash = Clash(one.key, other.key, ("x", "y", "z"))
    told = forecast("main", "T", (one, other), {})
    outlook.forecasts["main"] = type(told)("main", "T", (one, other), clashes=(clash,))
    assert outlook.clashes_of("p", "a") == ("q/b in x, y and 1 more",)
    assert outlook.clashes_of("q", "b") == ("p/a in x, y and 1 more",)
    assert outlook.clashes_of("p", "c") == ()


def test_each_pair_meets_once_also_where_one_side_has_a_folder_for_a_file():
    file, folder, far = branch("a", "x"), branch("b", "x/y"), branch("c", "xy")
    assert list(meeting((far, folder, file))) == [(file, folder)]

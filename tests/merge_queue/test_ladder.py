"""Where to look is arithmetic; each property holds for any likelihoods."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.merge_queue.ladder import (
    POSSIBLE,
    beliefs,
    believed_survival,
    hazards,
    rungs,
    survival,
    unserved,
)

RATES = st.floats(0, 1)
SUSPECTS = st.lists(st.none() | st.integers(1, 40), min_size=1, max_size=60)


def alive(rate, changes, suspects=None):
    return survival(hazards(rate, [suspects and suspects - at for at in range(changes)]))


def test_where_nothing_is_known_each_change_is_as_bad_as_the_rate():
    assert hazards(0.03, [None, None]) == pytest.approx([0.03, 0.03])


def test_the_last_suspect_is_bad_for_certain():
    assert hazards(0.03, [1]) == [1]


def test_of_a_few_suspects_each_is_about_as_likely():
    found = hazards(0.01, [4, 3, 2, 1])
    assert found == pytest.approx([1 / 4, 1 / 3, 1 / 2, 1], abs=0.01)


@given(RATES, SUSPECTS)
def test_suspicion_never_makes_a_change_look_better(rate, suspects):
    clean = hazards(rate, [None] * len(suspects))
    found = hazards(rate, suspects)
    assert all(0 < before <= after <= 1 for before, after in zip(clean, found, strict=True))


def test_one_look_takes_in_about_as_much_as_passes_every_other_time():
    assert rungs(alive(0.03, 100), 1) == [22]


def test_two_looks_cut_the_likelihoods_in_three():
    """As computed by hand: log(2/3) and log(1/3) over log(0.97), 13.3 and 36.1 changes."""
    assert rungs(alive(0.03, 100), 2) == [12, 35]


def test_a_short_line_is_looked_at_as_a_whole_and_halfway():
    assert rungs(alive(0.03, 8), 2) == [3, 7]


def test_a_red_prefix_is_cut_in_even_parts():
    assert rungs(alive(0.01, 11, suspects=12), 2) == [3, 7]
    assert rungs(alive(0.01, 11, suspects=12), 3) == [2, 5, 8]


def test_frequent_failures_are_looked_at_one_by_one():
    assert rungs(alive(0.5, 20), 2) == [0, 1]


@given(RATES, SUSPECTS, st.integers(0, 70))
def test_looks_are_places_in_order_and_no_more_than_asked(rate, suspects, looks):
    places = rungs(survival(hazards(rate, suspects)), looks)
    assert places == sorted(set(places))
    assert len(places) <= looks
    assert all(0 <= place < len(suspects) for place in places)
    assert bool(places) == (looks > 0)


@given(RATES, st.integers(1, 64), st.integers(0, 50))
def test_what_comes_behind_a_fair_chance_moves_no_look(rate, looks, more):
    far = alive(rate, 1000)
    enough = 1 + next(at for at, left in enumerate(far) if left < 1 / (looks + 1))
    assert rungs(alive(rate, enough), looks) == rungs(alive(rate, enough + more), looks)


@given(st.sets(st.integers(0, 50)), st.lists(st.integers(0, 50), max_size=8))
def test_each_look_under_way_serves_one_place(wanted, running):
    left = unserved(sorted(wanted), running)
    assert len(left) == max(0, len(wanted) - len(running))
    assert set(left) <= wanted


def test_a_look_under_way_serves_the_nearest_place():
    assert unserved([3, 12, 35], [14]) == [3, 35]


def mean(belief):
    return sum(likely * rate for likely, rate in zip(belief, POSSIBLE, strict=True))


COUNTS = st.integers(0, 200)
STRETCHES = st.lists(st.integers(1, 40), max_size=6)


@given(COUNTS, COUNTS, STRETCHES)
def test_what_is_believed_is_a_likelihood_and_ever_more_failures_are_ever_more_likely(
    passed, failed, red
):
    belief = beliefs(passed, failed, red)
    assert sum(belief) == pytest.approx(1)
    assert all(0 <= likely <= 1 for likely in belief)
    known = mean(belief)
    assert mean(beliefs(passed + 1, failed, red)) <= known + 1e-9
    assert mean(beliefs(passed, failed + 1, red)) >= known - 1e-9
    assert mean(beliefs(passed, failed, [*red, 5])) >= known - 1e-9


def test_a_few_red_looks_tell_what_many_refusals_would():
    assert mean(beliefs(0, 0)) < 0.1
    assert mean(beliefs(0, 0, [4, 4])) > 0.2
    assert mean(beliefs(200, 4, [4, 4])) < 0.05, "against all that is known they tell little"


@given(COUNTS, COUNTS, STRETCHES, SUSPECTS)
def test_what_is_believed_to_be_good_falls_from_change_to_change(passed, failed, red, suspects):
    found = believed_survival(beliefs(passed, failed, red), suspects)
    assert len(found) == len(suspects)
    assert all(1 >= before >= after >= 0 for before, after in pairwise([1, *found]))


def test_where_the_rate_is_known_well_it_is_as_if_it_were_told():
    found = believed_survival(beliefs(97_000, 3_000), [None] * 40)
    assert found == pytest.approx(alive(0.03, 40), abs=0.05)


def test_of_suspects_of_which_one_is_bad_not_all_are_good():
    assert believed_survival(beliefs(3, 1), [3, 2, 1])[-1] == pytest.approx(0, abs=1e-9)

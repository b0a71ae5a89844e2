"""The train and its next move, case by case; ``test_train_story`` lets anything happen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merge_queue.railway import START, Railway, entry

from orchestrator.merge_queue.train import (
    Move,
    Standing,
    failure_rate,
    next_move,
    reach,
    refuted,
    resolved_mode,
)
from orchestrator.states import QueueMode

MODES = list(QueueMode)


def names(cars):
    return [car.entry.head for car in cars]


def move(rails, train, *running, mode=QueueMode.TIP, slots=2, rate=0.05):
    return next_move(train, rails.standing, set(running), mode=mode, slots=slots, failure_rate=rate)


def pairs(*told):
    return {frozenset(one.split()) for one in told}


def test_each_car_is_built_on_the_one_in_front():
    train = Railway().train("abc")
    assert [car.commit for car in train.cars] == ["main+a", "main+a+b", "main+a+b+c"]
    assert [car.base for car in train.cars] == ["main", "main+a", "main+a+b"]


def test_what_conflicts_with_the_target_goes_back_and_holds_nobody_up():
    rails = Railway(clashes=pairs("x b"))
    train = rails.train("abc", "main+x")
    assert names(train.cars) == ["a", "c"]
    assert [(one.head, clash.paths) for one, clash in train.clashing] == [("b", ("x",))]


def test_what_conflicts_only_with_a_car_in_front_waits_and_names_it():
    rails = Railway(clashes=pairs("b e"))
    train = rails.train("abcdef")
    assert names(train.cars) == ["a", "b", "c", "d", "f"]
    assert [(one.head, front.head) for one, front, _ in train.waiting] == [("e", "b")]
    assert not train.clashing


def test_what_waits_for_one_that_was_left_out_takes_its_place():
    rails = Railway(clashes=pairs("b c"))
    rails.red("main+a+b")
    assert names(rails.train("abcd").cars) == ["a", "c", "d"]


def test_a_red_one_is_left_out_and_those_behind_go_on_without_it():
    rails = Railway()
    rails.red("main+a+b")
    train = rails.train("abc")
    assert [car.commit for car in train.cars] == ["main+a", "main+a+c"]
    assert names(train.aside) == ["b"]


def test_a_red_one_stays_where_the_mode_goes_on_with_nobody():
    rails = Railway()
    rails.red("main+a+b")
    assert names(rails.train("abc", leaves_out_red=False).cars) == ["a", "b", "c"]


def test_a_red_one_stays_where_a_longer_prefix_passed():
    """With it in it: then it was not red by itself."""
    rails = Railway()
    rails.red("main+a+b")
    rails.passed("main+a+b+c")
    train = rails.train("abcd")
    assert names(train.cars) == ["a", "b", "c", "d"]
    assert move(rails, train).land == 3


def test_the_longest_verified_prefix_lands_at_once():
    rails = Railway()
    rails.passed("main+a+b+c", "main+a")
    assert move(rails, rails.train("abcd")).land == 3


def test_in_strict_mode_every_one_that_lands_is_verified():
    rails = Railway()
    rails.passed("main+a", "main+a+b", "main+a+b+c+d")
    assert move(rails, rails.train("abcde"), mode=QueueMode.STRICT).land == 2


def test_serially_one_is_in_hand():
    rails = Railway()
    train = rails.train("abc", leaves_out_red=False)
    assert names(move(rails, train, mode=QueueMode.SERIAL, slots=8).verify) == ["a"]
    assert not move(rails, train, "main+a", mode=QueueMode.SERIAL, slots=8).verify


def test_strictly_the_first_in_line_are_verified_each():
    rails = Railway()
    train = rails.train("abcdef")
    assert names(move(rails, train, mode=QueueMode.STRICT, slots=3).verify) == ["a", "b", "c"]


def test_by_the_tip_a_long_line_is_verified_at_two_places():
    rails = Railway()
    heads = [f"h{number:02}" for number in range(32)]
    assert names(move(rails, rails.train(heads)).verify) == ["h07", "h20"]


def test_below_a_red_prefix_the_first_bad_one_is_sought():
    rails = Railway()
    heads = [f"h{number:02}" for number in range(32)]
    rails.red("+".join([START, *heads[:12]]))
    assert names(move(rails, rails.train(heads), rate=0.01).verify) == ["h03", "h07"]


def test_of_two_suspects_the_first_is_tried_and_those_behind_go_on_without_the_second():
    rails = Railway()
    rails.red("main+a+b")
    wanted = move(rails, rails.train("abcdefgh"), rate=0.05).verify
    assert [car.commit for car in wanted] == ["main+a", "main+a+c+d+e+f+g+h"]


def test_what_brings_nothing_new_is_verified_with_the_one_in_front():
    rails = Railway()
    train = rails.train([entry("a"), entry("again", "a"), entry("b")])
    wanted = move(rails, train, mode=QueueMode.STRICT, slots=3).verify
    assert [car.commit for car in wanted] == ["main+a", "main+a+b"]
    rails.passed("main+a")
    assert move(rails, train, mode=QueueMode.STRICT).land == 2


def test_of_three_suspects_the_two_in_front_are_tried():
    rails = Railway()
    rails.red("main+a+b+c")
    wanted = move(rails, rails.train("abcdefgh"), rate=0.05).verify
    assert [car.commit for car in wanted] == ["main+a", "main+a+b"]


def test_a_verification_under_way_keeps_its_slot_and_serves_the_place_next_to_it():
    rails = Railway()
    heads = [f"h{number:02}" for number in range(32)]
    train = rails.train(heads)
    assert names(move(rails, train, train.cars[22].commit).verify) == ["h07"]
    assert names(move(rails, train, train.cars[5].commit).verify) == ["h20"]
    assert not move(rails, train, train.cars[22].commit, train.cars[3].commit).verify


@pytest.mark.parametrize("mode", MODES)
def test_one_red_on_the_target_as_it_is_is_refused(mode):
    rails = Railway()
    rails.red("main+a")
    left_out = resolved_mode(mode, 3, 2, 0.05).leaves_out_red
    refused = move(rails, rails.train("abc", leaves_out_red=left_out), mode=mode).refuse
    assert refused is not None
    assert refused.commit == "main+a"


@pytest.mark.parametrize("mode", MODES)
def test_one_red_behind_others_is_not(mode):
    rails = Railway()
    rails.red("main+a+b")
    assert move(rails, rails.train("abc"), mode=mode).refuse is None


def test_strictly_a_red_first_one_is_refused_though_a_longer_prefix_passed():
    rails = Railway()
    rails.red("main+a")
    rails.passed("main+a+b")
    train = rails.train("ab")
    assert move(rails, train, mode=QueueMode.STRICT).refuse == train.cars[0]
    assert move(rails, train) == Move(land=2)


@pytest.mark.parametrize("mode", [QueueMode.TIP, QueueMode.STRICT])
def test_landing_stops_where_one_was_left_out_so_that_it_can_be_told_there(mode):
    rails = Railway()
    rails.red("main+a+b")
    rails.passed("main+a", "main+a+c")
    assert move(rails, rails.train("abc"), mode=mode).land == 1
    assert move(rails, rails.train("bc", "main+a"), mode=mode).refuse.entry == entry("b")


def test_landing_waits_for_the_place_of_one_left_out_only_while_that_is_verified():
    rails = Railway()
    rails.red("main+a+b")
    rails.passed("main+a+c")
    assert move(rails, rails.train("abc"), "main+a").land == 0
    assert move(rails, rails.train("abc")).land == 2


def test_only_what_can_become_no_part_of_the_target_is_stopped():
    rails = Railway()
    rails.red("main+a+b")
    running = ["main+a", "main+a+b+c", "main+a+c"]
    assert refuted(rails.train("abc"), running) == {"main+a+b+c"}


@given(st.lists(st.booleans(), max_size=8), st.sets(st.integers(0, 9)), st.integers(0, 4))
def test_one_more_at_the_end_cancels_nothing(red, clashing, length):
    """Whatever is known, and whatever it conflicts with."""
    rails = Railway(clashes={frozenset({"new", f"h{number}"}) for number in clashing})
    heads = [f"h{number}" for number in range(length + 4)]
    for upto, is_red in enumerate(red, 1):
        rails.tell("+".join([START, *heads[:upto]]), Standing.RED if is_red else Standing.UNKNOWN)
    before = rails.train(heads)
    running = {car.commit for car in before.cars}
    assert not refuted(rails.train([*heads, "new"]), running)


@settings(max_examples=25)
@given(st.floats(0.05, 0.9), st.integers(1, 8), st.integers(0, 40))
def test_a_line_longer_than_the_reach_is_decided_the_same(rate, slots, more):
    rails = Railway()
    far = reach(slots)
    heads = [f"h{number}" for number in range(far + more)]
    for mode in MODES:
        near = move(rails, rails.train(heads[:far]), mode=mode, slots=slots, rate=rate)
        whole = move(rails, rails.train(heads), mode=mode, slots=slots, rate=rate)
        assert near == whole


@given(st.integers(1, 64), st.floats(0.001, 0.5))
def test_strictly_as_long_as_the_slots_suffice(slots, rate):
    def mode(length):
        return resolved_mode(QueueMode.AUTO, length, slots, rate).mode

    assert mode(slots) is QueueMode.STRICT
    assert mode(slots + 1) is QueueMode.TIP
    assert reach(slots) > slots


def test_before_there_are_outcomes_one_in_twenty_is_taken_for_bad():
    assert failure_rate(0, 0) == 0.05
    assert failure_rate(160, 20) == pytest.approx(0.105)


def test_a_train_is_made_up_with_one_merge_a_car_and_few_more_for_one_that_waits():
    rails = Railway(clashes=pairs("h3 last"))
    rails.train([*(f"h{number}" for number in range(64)), "last"])
    assert rails.asked <= 64 + 2 + 7

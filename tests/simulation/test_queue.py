"""The queue's own code on a virtual clock: what is promised holds, and the judge is not blind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from simulation.__main__ import simulated
from simulation.changes import Change, Traffic
from simulation.oracle import landings
from simulation.queue import Course, Queue, Rules
from simulation.truth import green_share

from orchestrator.states import QueueMode

SIMULATE = Path(__file__).parents[2] / "scripts" / "simulate"
TRAFFIC = Traffic(changes=300, rate=3, failures=0.05, conflicts=0.003, seed=7)


def rules(mode=QueueMode.AUTO, slots=4, flakes=0.0):
    return Rules(mode, slots, flakes, seed=7)


def changes(*flaws):
    """One a time unit, each verified in 1; ``bad`` or sound."""
    return tuple(Change(at, float(at), 1.0, flaw == "bad") for at, flaw in enumerate(flaws))


@pytest.mark.parametrize("mode", list(QueueMode))
def test_the_target_is_green_all_the_time_and_everyone_gets_an_answer(mode):
    made = simulated(TRAFFIC, rules(mode))
    assert made.green == 1
    assert made.false_bounces == 0
    assert made.landed + made.refused + made.clashing == TRAFFIC.changes
    assert made.oracle.p50 <= made.ours.p50


def test_flaky_checks_make_no_red_target():
    made = simulated(TRAFFIC, rules(flakes=0.1))
    assert made.green == 1
    assert made.landed + made.refused + made.clashing == TRAFFIC.changes


def test_speculation_beats_the_serial_queue():
    made = simulated(TRAFFIC, rules(slots=2))
    assert made.ours.throughput > 2 * made.serial.throughput


def test_strictly_no_more_lands_than_the_slots_can_verify():
    made = simulated(TRAFFIC, rules(QueueMode.STRICT, slots=2))
    assert made.serial.throughput < made.ours.throughput < 2 * 1.05
    assert made.verifications >= made.landed


def test_the_same_seed_is_the_same_run():
    assert simulated(TRAFFIC, rules(flakes=0.1)) == simulated(TRAFFIC, rules(flakes=0.1))


def test_serially_nothing_is_wasted():
    course = Queue(TRAFFIC.made(), rules(QueueMode.SERIAL)).run()
    assert course.wasted == 0
    assert course.stopped == 0


def test_the_judge_sees_a_red_target():
    came = changes("", "bad", "")
    course = Course(values=[(1.0, (0,)), (2.0, (1,)), (3.0, (2,))], ended=4.0)
    assert green_share(came, course) == 0.5


def test_the_judge_sees_those_that_are_red_together():
    one, other = changes("", "")
    one.quarrels.add(1)
    other.quarrels.add(0)
    course = Course(values=[(1.0, (0, 1))], ended=4.0)
    assert green_share((one, other), course) == 0.25


def test_the_judge_lets_nothing_land_twice():
    with pytest.raises(AssertionError, match="twice"):
        green_share(changes(""), Course(values=[(1.0, (0,)), (2.0, (0,))], ended=2.0))


def test_the_oracle_lands_the_good_ones_as_soon_as_they_can_be_verified():
    came = changes("", "bad", "")
    assert landings(came, slots=1, strictly=True) == {0: 1.0, 2: 3.0}
    together = tuple(Change(at, 0.0, 1.0, is_bad=False) for at in range(3))
    assert landings(together, slots=1, strictly=False) == {0: 1.0, 1: 1.0, 2: 1.0}
    assert landings(together, slots=2, strictly=True) == {0: 1.0, 1: 1.0, 2: 2.0}


def test_on_the_command_line_it_tells_in_json_or_as_a_table():
    def told(*more):
        run = [SIMULATE, "queue", "--changes", "60", *more]
        return subprocess.run(run, capture_output=True, text=True, check=True).stdout

    assert json.loads(told("--json"))["green"] == 1
    assert "target green 100.00% of the time" in told()


def test_what_cannot_be_is_refused():
    run = [SIMULATE, "queue", "--failures", "3"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "3 is not from 0 to 1" in done.stderr


@pytest.mark.parametrize("slots", [2, 4, 8])
def test_where_much_is_bad_a_batch_is_about_as_quick_as_one_look_at_each(slots):
    """Though nothing is known of that before: a few red looks have to tell it."""

    def ended(mode):
        lines = [Traffic(32, 0, 0.25, 0.001, seed).made() for seed in range(1, 41)]
        return sum(Queue(line, rules(mode, slots)).run().ended for line in lines)

    assert ended(QueueMode.AUTO) < 1.09 * ended(QueueMode.STRICT)

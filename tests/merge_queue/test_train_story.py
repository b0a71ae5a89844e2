"""The queue's promises while anything happens, in any order: a model plays the driver.

Changes come, verdicts come in any order and may be wrong, heads are sealed anew, people take
entries out and move the target. Whatever the order: only what was verified lands, and once;
nobody is refused for another; nothing is stopped that may still count; all get out of the line.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from merge_queue.railway import START, Railway, at_once, heads_in

from orchestrator.merge_queue.train import (
    Clash,
    Entry,
    Standing,
    failure_rate,
    next_move,
    reach,
    refuted,
    resolved_mode,
)
from orchestrator.states import QueueMode

FLAWS = st.sampled_from(["", "", "", "bad", "quarrel", "clash", "twin"])


class Story(RuleBasedStateMachine):
    """One line on one target."""

    def __init__(self):
        super().__init__()
        self.rails = Railway()
        self.target = START
        self.line = []
        self.running = set()
        self.landed = []
        self.refused = []
        self.back = []
        self.made = 0
        self.lied = False

    @initialize(mode=st.sampled_from(list(QueueMode)), slots=st.integers(1, 9))
    def begins(self, mode, slots):
        self.mode, self.slots = mode, slots

    @rule(flaw=FLAWS, other=st.integers(1, 6))
    def one_comes(self, flaw, other):
        one = self._new(flaw, other)
        before = self._train()
        self.line.append(one)
        after = self._train()
        # one like it that was taken out may be running: then it counts again
        assert refuted(after, self.running) <= refuted(before, self.running)
        assert after.cars[: len(before.cars)] == before.cars

    @rule(flaws=st.lists(FLAWS, min_size=2, max_size=12), other=st.integers(1, 6))
    def many_come(self, flaws, other):
        self.line += [self._new(flaw, other) for flaw in flaws]
        self._decide()

    @precondition(lambda self: self.line)
    @rule(at=st.integers(0, 99), flaw=FLAWS)
    def one_gets_another_head(self, at, flaw):
        at %= len(self.line)
        self.line[at] = Entry(self.line[at].key, self._new(flaw, 1).head)

    @precondition(lambda self: self.line)
    @rule(at=st.integers(0, 99))
    def a_person_takes_one_out(self, at):
        self.line.pop(at % len(self.line))

    @rule(flaw=FLAWS, back=st.booleans())
    def a_person_moves_the_target(self, flaw, back):
        if back and len(heads_in(self.target)) > 1:
            self.target = self.target.rpartition("+")[0]
            return
        made = at_once(self.rails.couple(self.target, self._new(flaw, 2)))
        if not isinstance(made, Clash):
            self.target = made.commit

    @precondition(lambda self: self.running)
    @rule(at=st.integers(0, 99), looked_at=st.booleans())
    def a_verdict_comes(self, at, looked_at):
        self._end(sorted(self.running)[at % len(self.running)])
        if looked_at:
            self._decide()

    @precondition(lambda self: self.running)
    @rule(at=st.integers(0, 99))
    def a_wrong_red_comes(self, at):
        commit = sorted(self.running)[at % len(self.running)]
        self.lied |= self.rails.is_green(commit)
        self.running.discard(commit)
        self.rails.red(commit)

    @precondition(lambda self: self.running)
    @rule()
    def every_verification_is_lost(self):
        self.running.clear()

    @rule()
    def it_decides(self):
        self._decide()

    def teardown(self):
        if hasattr(self, "mode"):
            self._drain()

    def _drain(self):
        """With nobody disturbing it the line empties, in bounded steps."""
        for _ in range(20 * len(self.line) + 20):
            while self._decide():
                pass
            if not self.line:
                return
            assert self.running, "nothing to do, and not all are out"
            self._end(min(self.running))
        raise AssertionError(f"{len(self.line)} never got out of the line")

    def _new(self, flaw, other):
        self.made += 1
        head = f"h{self.made:03}"
        earlier = f"h{max(1, self.made - other):03}"
        if flaw == "bad":
            self.rails.bad.add(head)
        elif flaw == "quarrel":
            self.rails.quarrels.add(frozenset({head, earlier}))
        elif flaw == "clash":
            self.rails.clashes.add(frozenset({head, earlier}))
        elif flaw == "twin":
            return Entry(("plan", head), earlier)
        return Entry(("plan", head), head)

    def _rate(self):
        return failure_rate(len(self.landed), len(self.refused))

    def _train(self):
        line = self.line[: reach(self.slots)]
        course = resolved_mode(self.mode, len(line), self.slots, self._rate())
        return self.rails.train(line, self.target, leaves_out_red=course.leaves_out_red)

    def _decide(self):
        """One look, as the driver takes it; whether more may follow from what it did."""
        train = self._train()
        stopped = refuted(train, self.running)
        self._check_stopped(stopped)
        self.running -= stopped
        move = next_move(
            train,
            self.rails.standing,
            self.running,
            mode=self.mode,
            slots=self.slots,
            failure_rate=self._rate(),
            outcomes=(len(self.landed), len(self.refused)),
        )
        self._check_verify(train, move)
        self.running |= {car.commit for car in move.verify}
        assert self.running <= {car.commit for car in (*train.cars, *train.aside)}
        for one, _ in train.clashing:
            assert isinstance(at_once(self.rails.couple(self.target, one)), Clash)
            self.line.remove(one)
            self.back.append(one)
        for one, front, _ in train.waiting:
            assert self.line.index(front) < self.line.index(one)
        if move.refuse is not None:
            self._refuse(move.refuse)
        elif move.land:
            self._land(train.cars[: move.land])
        return bool(train.clashing or move.refuse or move.land)

    def _check_stopped(self, stopped):
        """Built on another target, or holding what left the line or is red where it stands."""
        heads = {one.head for one in self.line}
        for commit in stopped:
            behind = commit.removeprefix(f"{self.target}+")
            gone = behind == commit or not set(behind.split("+")) <= heads
            assert gone or self._is_out_of_line(behind) or self._has_red_prefix(behind)

    def _is_out_of_line(self, behind):
        """Whether the line has others in between that this one was built without."""
        built = behind.split("+")
        order = list(dict.fromkeys(one.head for one in self.line))
        return order[: len(built)] != built

    def _has_red_prefix(self, behind):
        built = behind.split("+")
        known = self.rails.known
        return any(
            known.get("&".join(sorted([*heads_in(self.target), *built[:upto]]))) is Standing.RED
            for upto in range(1, len(built) + 1)
        )

    def _check_verify(self, train, move):
        commits = [car.commit for car in move.verify]
        assert len(set(commits)) == len(commits)
        assert not self.running & set(commits)
        assert len(commits) + len(self.running) <= max(self.slots, len(self.running))
        assert set(move.verify) <= set(train.cars[move.land :])
        for car in move.verify:
            assert self.rails.standing(car) is Standing.UNKNOWN
        idle = not (self.running or move.land or move.refuse or train.clashing)
        assert not idle or move.verify or not self.line

    def _refuse(self, car):
        assert self.rails.standing(car) is Standing.RED
        assert car.base == self.target
        for front in self.line[: self.line.index(car.entry)]:
            brings = at_once(self.rails.couple(self.target, front))
            assert brings.commit == self.target, "something in front of it has not landed"
        alone = at_once(self.rails.couple(self.target, car.entry))
        assert self.lied or not self.rails.is_green(alone.commit)
        self.line.remove(car.entry)
        self.refused.append(car.entry)

    def _land(self, cars):
        mode = resolved_mode(self.mode, len(self.line), self.slots, self._rate()).mode
        for car in cars if mode is not QueueMode.TIP else cars[-1:]:
            assert self.rails.standing(car) is Standing.PASSED
            assert self.rails.is_green(car.commit) or car.commit == self.target
        assert cars[0].base == self.target
        for car in cars:
            assert car.entry not in self.landed
            self.line.remove(car.entry)
            self.landed.append(car.entry)
        self.target = cars[-1].commit

    def _end(self, commit):
        self.running.discard(commit)
        self.rails.tell(commit, Standing.PASSED if self.rails.is_green(commit) else Standing.RED)


Story.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStory = Story.TestCase

"""The merge queue over virtual time: discrete events around the product's own decisions.

What happens between two events takes no time, so a landing or a merge costs nothing here; what
they cost for real is measured elsewhere.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.merge_queue.train import (
    Entry,
    Standing,
    failure_rate,
    make_up,
    next_move,
    reach,
    refuted,
    resolved_mode,
)
from orchestrator.states import QueueMode
from simulation.commits import ROOT, Commits

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from orchestrator.merge_queue.train import Car, Train
    from simulation.changes import Change

SWEEP = 200_000
"""Merges kept before those are forgotten that nothing needs."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``flakes``: how likely a run comes out red for no reason; each red run is tried once more."""

    mode: QueueMode
    slots: int
    flakes: float
    seed: int


@dataclass(slots=True)
class Course:
    """What came of it. ``values`` are those the target took, with the changes each brought."""

    landed: dict[int, float] = field(default_factory=dict)
    refused: dict[int, float] = field(default_factory=dict)
    clashing: dict[int, float] = field(default_factory=dict)
    values: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    false_bounces: int = 0
    started: int = 0
    stopped: int = 0
    spent: float = 0.0
    wasted: float = 0.0
    ended: float = 0.0
    merges: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    car: Car
    since: float


class Queue:
    """One run over ``changes``; ``run`` plays it to its end."""

    def __init__(self, changes: Sequence[Change], rules: Rules) -> None:
        self._changes = changes
        self._rules = rules
        self._commits = Commits(changes)
        self._target = ROOT
        self._line: list[Entry] = []
        self._known: dict[str, Standing] = {}
        self._running: dict[str, _Run] = {}
        self._runs = 0
        self._now = 0.0
        self._happens: list[tuple[float, int, str]] = [
            (change.arrives, change.number, "") for change in changes
        ]
        heapq.heapify(self._happens)
        self._spent: dict[str, float] = {}
        self.course = Course()

    def run(self) -> Course:
        while self._happens:
            self._now = self._happens[0][0]
            while self._happens and self._happens[0][0] == self._now:
                _, number, commit = heapq.heappop(self._happens)
                if commit:
                    self._end(commit, number)
                else:
                    self._line.append(Entry(("simulated", f"{number}"), f"{number}"))
            while self._tick():
                pass
        if self._line:
            raise AssertionError(f"{len(self._line)} changes never got out of the line")
        self.course.ended = self._now
        self.course.wasted = sum(self._spent.values())
        self.course.merges = self._commits.merges
        return self.course

    def _tick(self) -> bool:
        """Decide once and do it; whether the line or the target changed, so that more may follow."""
        rules, rate = self._rules, self._rate()
        line = self._line[: reach(rules.slots)]
        if not line:
            return False
        course = resolved_mode(rules.mode, len(line), rules.slots, rate)
        train = _at_once(
            make_up(
                self._target,
                line,
                self._commits.couple,
                self._standing,
                leaves_out_red=course.leaves_out_red,
            )
        )
        for commit in refuted(train, self._running):
            self._stop(commit)
        move = next_move(
            train,
            self._standing,
            self._running,
            mode=rules.mode,
            slots=rules.slots,
            failure_rate=rate,
            outcomes=(len(self.course.landed), len(self.course.refused)),
        )
        for car in move.verify:
            self._start(car)
        changed = bool(train.clashing) or move.refuse is not None or move.land > 0
        self._send_back(train)
        if move.refuse is not None:
            self._refuse(move.refuse)
        elif move.land:
            self._land(train.cars[: move.land], course.mode)
        if self._commits.merges - self.course.merges > SWEEP:
            self.course.merges = self._commits.merges
            self._commits.sweep((*train.cars, *train.aside), self._running)
        return changed

    def _rate(self) -> float:
        return failure_rate(len(self.course.landed), len(self.course.refused))

    def _standing(self, car: Car) -> Standing:
        return self._known.get(car.tree, Standing.UNKNOWN)

    def _start(self, car: Car) -> None:
        self._runs += 1
        self.course.started += 1
        self._running[car.commit] = _Run(car, self._now)
        takes = self._changes[int(car.entry.head)].takes
        truth = self._commits.of(car.commit).is_green
        is_red = not truth or self._flakes()
        if is_red and self._rules.flakes:
            takes *= 2
            is_red = not truth or self._flakes()
        verdict = -1 if is_red else -2
        heapq.heappush(self._happens, (self._now + takes, verdict, car.commit))

    def _flakes(self) -> bool:
        if not self._rules.flakes:
            return False
        chance = random.Random(f"{self._rules.seed}/{self._runs}").random()  # noqa: S311
        return chance < self._rules.flakes

    def _end(self, commit: str, verdict: int) -> None:
        run = self._running.pop(commit, None)
        if run is None:  # it was stopped
            return
        self._known[run.car.tree] = Standing.RED if verdict == -1 else Standing.PASSED
        self._spend(run)

    def _stop(self, commit: str) -> None:
        self.course.stopped += 1
        self._spend(self._running.pop(commit))

    def _spend(self, run: _Run) -> None:
        """Spent for nothing until it decides something."""
        spent = self._now - run.since
        self.course.spent += spent
        self._spent[run.car.tree] = self._spent.get(run.car.tree, 0.0) + spent

    def _send_back(self, train: Train) -> None:
        for entry, _ in train.clashing:
            self._line.remove(entry)
            self.course.clashing[int(entry.head)] = self._now

    def _refuse(self, car: Car) -> None:
        if self._standing(car) is not Standing.RED or car.base != self._target:
            raise AssertionError(f"{car} was refused without having been red on the target")
        self._line.remove(car.entry)
        self.course.refused[int(car.entry.head)] = self._now
        self.course.false_bounces += self._commits.of(car.commit).is_green
        self._spent.pop(car.tree, None)

    def _land(self, cars: Sequence[Car], mode: QueueMode) -> None:
        for car in cars if mode is not QueueMode.TIP else cars[-1:]:
            if self._standing(car) is not Standing.PASSED:
                raise AssertionError(f"{car} landed without having passed")
            self._spent.pop(car.tree, None)
        self._commits.land(cars)
        self._target = cars[-1].commit
        numbers = tuple(int(car.entry.head) for car in cars)
        for entry in [car.entry for car in cars]:
            self._line.remove(entry)
        self.course.landed.update(dict.fromkeys(numbers, self._now))
        self.course.values += (
            [(self._now, numbers)]
            if mode is QueueMode.TIP
            else [(self._now, (number,)) for number in numbers]
        )


def _at_once(made: Coroutine[Any, Any, Train]) -> Train:
    """What a coroutine that waits for nothing returns."""
    try:
        made.send(None)
    except StopIteration as done:
        train: Train = done.value
        return train
    raise AssertionError("it waited, and nothing here may")

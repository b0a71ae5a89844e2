"""The line of a target as people are shown it: on what each stands, and what it waits for.

Made anew after each look at the queue.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.line import LineStanding, LineView, Place
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from orchestrator.merge_queue.look import QueueLook
    from orchestrator.merge_queue.train import Car, Train
    from orchestrator.scheduling.decision import InLine


def line_view(
    seen: QueueLook,
    train: Train,
    *,
    passed: Collection[str],
    running: Collection[str],
    before: LineView | None,
    now: float,
) -> LineView:
    """The queue after a look; ``passed`` and ``running`` are commits, ``now`` POSIX seconds."""
    return LineView(
        target=seen.target,
        commit=seen.commit,
        mode=seen.resolved.mode,
        slots=seen.course.slots,
        failure_rate=seen.failure_rate,
        places=_stamped(_places(seen, train, passed, running), before, now),
    )


def held_view(target: str, line: Iterable[InLine], reason: str, now: float) -> LineView:
    """The queue while all of it waits for a person."""
    places = tuple(
        Place(
            record.plan,
            record.id,
            LineStanding.HELD,
            reason,
            since=now,
            reverts=record.state is TaskState.MERGED,
        )
        for _, record in line
    )
    return LineView(target, held=reason, places=places)


def _places(
    seen: QueueLook, train: Train, passed: Collection[str], running: Collection[str]
) -> Iterator[Place]:
    cars = {car.entry: at for at, car in enumerate(train.cars)}
    aside = {car.entry: car for car in train.aside}
    behind = {entry: other for entry, other, _ in train.waiting}
    names = [car.entry.key[1] for car in train.cars]
    for entry, record in zip(seen.entries, seen.records, strict=True):
        place = Place(*entry.key, reverts=record.state is TaskState.MERGED)
        if entry in cars:
            car, on = train.cars[cars[entry]], tuple(names[: cars[entry]])
            standing, reason = _of_car(car, on, passed, running)
            yield replace(place, standing=standing, reason=reason, candidate=car.commit, on=on)
        elif entry in aside:
            told = "red behind others; looked at again once it is in front"
            commit = aside[entry].commit
            yield replace(place, standing=LineStanding.RED, reason=told, candidate=commit)
        elif entry in train.baseless:
            told = f"stands on {', '.join(name for _, name in entry.needs)}, which is not in front"
            yield replace(place, reason=told)
        elif entry in behind:
            told = f"conflicts with {behind[entry].key[1]!r}, which is to land first"
            yield replace(place, standing=LineStanding.CONFLICT, reason=told)
        else:
            told = "conflicts with the target; goes back to its agent"
            yield replace(place, standing=LineStanding.CONFLICT, reason=told)


def _stamped(places: Iterable[Place], before: LineView | None, now: float) -> tuple[Place, ...]:
    """``places`` with since when each stands as it does."""
    known = {(p.plan, p.task, p.standing): p.since for p in before.places} if before else {}
    return tuple(replace(p, since=known.get((p.plan, p.task, p.standing), now)) for p in places)


def _of_car(
    car: Car, on: Sequence[str], passed: Collection[str], running: Collection[str]
) -> tuple[LineStanding, str]:
    below = f"on top of {', '.join(on[-3:])}" if on else "on the target as it is"
    if car.commit in passed:
        waits = f"proven {below}; waits for those in front" if on else "proven; about to land"
        return LineStanding.PASSED, waits
    if car.commit in running:
        return LineStanding.VERIFYING, f"being verified {below}"
    return LineStanding.WAITING, f"waits for a free slot, or for one behind it to pass, {below}"

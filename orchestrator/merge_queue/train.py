"""The merge queue's speculation: what to land, what to refuse, and what to verify ahead of time.

Candidates are chained: each car of the train is built on the one in front, so that a car that
passed proves all in front of it together. A red car is left out where it stands, and those behind
go on without it; that it is bad itself is known once nothing stands between it and the target.
Everything follows from one snapshot (entries, standings, what is running), nothing is remembered
between two looks: lost, doubled and reordered verdicts do no harm.

Pure, without git and records. What it must never name: a car to land that was not verified as
that very commit, one to refuse that is not red on the target as it is, and one to stop that may
still become a part of the target. Verifying landed commits that a longer prefix took along, in
slots left idle, is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, pairwise
from typing import Protocol

from orchestrator.merge_queue.ladder import (
    beliefs,
    believed_survival,
    hazards,
    rungs,
    survival,
    unserved,
)
from orchestrator.states import QueueMode


class Standing(StrEnum):
    """What is known of one candidate."""

    UNKNOWN = "unknown"
    PASSED = "passed"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Entry:
    """One that is in line, as (plan, task), sealed by its head: another head is another entry.

    ``needs`` are those whose work its head holds besides: it may stand behind them only.
    """

    key: tuple[str, str]
    head: str
    needs: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Car:
    """A candidate: ``commit`` holds all in front of it and the entry, merged onto ``base``."""

    entry: Entry
    commit: str
    tree: str
    base: str


@dataclass(frozen=True, slots=True)
class Clash:
    """A merge that does not come out clean."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Train:
    """The entries as they stand on ``target``, in landing order.

    ``clashing`` conflict with the target itself. ``waiting`` conflict only with a car in front,
    named second: they wait, and cost nothing. ``aside`` are red, the last of them perhaps only for
    what stood in front: ``cars`` go on without them. ``baseless`` need what is none of the cars.
    """

    target: str
    cars: tuple[Car, ...]
    clashing: tuple[tuple[Entry, Clash], ...] = ()
    waiting: tuple[tuple[Entry, Entry, Clash], ...] = ()
    aside: tuple[Car, ...] = ()
    baseless: tuple[Entry, ...] = ()

    @property
    def length(self) -> int:
        apart = (self.clashing, self.waiting, self.aside, self.baseless)
        return len(self.cars) + sum(map(len, apart))


@dataclass(frozen=True, slots=True)
class Move:
    """What to do now; to refuse comes first, since landing takes away the ground it is red on.

    ``land``: so many cars from the front, together; the last of them is verified, in strict mode
    each. ``refuse``: red on the target as it is. ``verify``: to be started, the most wanted first;
    with those running they are at most as many as there are slots.
    """

    land: int = 0
    refuse: Car | None = None
    verify: tuple[Car, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """What a mode comes to: STRICT, TIP or SERIAL, and whether those behind a red one go on."""

    mode: QueueMode
    leaves_out_red: bool


Known = Callable[[Car], Standing]


class Couple(Protocol):
    """Merges an entry onto a commit: the same each time it is asked, and cheap when asked again."""

    async def __call__(self, base: str, entry: Entry) -> Car | Clash: ...


def failure_rate(passed: int, failed: int) -> float:
    """How likely one in line is bad, after so many outcomes; one in twenty before there are any."""
    return (1 + failed) / (20 + passed + failed)


def resolved_mode(mode: QueueMode, length: int, slots: int, failure_rate: float) -> Course:  # noqa: ARG001
    """What ``mode`` comes to for so many in line."""
    if mode is QueueMode.AUTO:
        mode = QueueMode.STRICT if length <= slots else QueueMode.TIP
    return Course(mode, leaves_out_red=mode is not QueueMode.SERIAL)


def reach(slots: int) -> int:
    """So many entries from the front may matter now; the caller need not make up a longer train.

    By nothing that changes while a verification runs, or one under way could fall out of reach.
    """
    return 80 + 8 * slots


async def make_up(
    target: str,
    entries: Sequence[Entry],
    couple: Couple,
    standing: Known,
    *,
    leaves_out_red: bool,
) -> Train:
    """Chain ``entries`` onto ``target``, in order, each onto the nearest in front that fits.

    One that needs another is never built but behind it: its head would bring the other along. So
    whether it conflicts with the target itself is known only once what it needs has landed.
    """
    cars: list[Car] = []
    baseless: list[Entry] = []
    aside: list[Car] = []
    clashing: list[tuple[Entry, Clash]] = []
    waiting: list[tuple[Entry, Entry, Clash]] = []
    kept = 0
    for at, entry in enumerate(entries):
        if not _stands(entry, cars):
            baseless.append(entry)
            continue
        made = await couple(cars[-1].commit if cars else target, entry)
        if isinstance(made, Clash):
            alone: Car | Clash | None = made
            if cars:
                alone = None if entry.needs else await couple(target, entry)
            if isinstance(alone, Clash):
                clashing.append((entry, alone))
            else:
                waiting.append((entry, await _hindrance(cars, entry, couple), made))
        elif leaves_out_red and at >= kept and standing(made) is Standing.RED:
            kept = await _passed_behind((*cars, made), entries, at, couple, standing)
            (cars if at < kept else aside).append(made)
        else:
            cars.append(made)
    apart = tuple(clashing), tuple(waiting), tuple(aside), tuple(baseless)
    return Train(target, tuple(cars), *apart)


def _stands(entry: Entry, cars: Iterable[Car]) -> bool:
    if not entry.needs:
        return True
    return {car.entry.key for car in cars}.issuperset(entry.needs)


async def _hindrance(cars: Sequence[Car], entry: Entry, couple: Couple) -> Entry:
    """The car that ``entry`` conflicts with: it fits onto what is in front of that one.

    Or, where it does not fit even behind what it needs, the last of those.
    """
    needed = [at for at, car in enumerate(cars) if car.entry.key in entry.needs]
    fits, clashes = max(needed, default=0) - 1, len(cars) - 1
    while clashes - fits > 1:
        middle = (fits + clashes) // 2
        if isinstance(await couple(cars[middle].commit, entry), Clash):
            clashes = middle
        else:
            fits = middle
    return cars[clashes].entry


async def _passed_behind(
    chain: Sequence[Car], entries: Sequence[Entry], at: int, couple: Couple, standing: Known
) -> int:
    """How many entries are in the longest chain through the red end of ``chain`` that passed; or 0.

    With it the red one passed too: it was not red by itself.
    """
    linked, longest = list(chain), 0
    for place in range(at + 1, len(entries)):
        if not _stands(entries[place], linked):
            continue
        made = await couple(linked[-1].commit, entries[place])
        if isinstance(made, Car):
            linked.append(made)
            if standing(made) is Standing.PASSED:
                longest = place + 1
    return longest


def refuted(train: Train, running: Iterable[str]) -> frozenset[str]:
    """Those running that can become no part of the target any more: only these are stopped."""
    return frozenset(running) - {car.commit for car in (*train.cars, *train.aside)}


def next_move(
    train: Train,
    standing: Known,
    running: Collection[str],
    *,
    mode: QueueMode,
    slots: int,
    failure_rate: float,
    outcomes: tuple[int, int] | None = None,
) -> Move:
    """What the train calls for, with the commits in ``running`` under verification.

    Where ``outcomes`` tell how many landed and how many were refused, the looks are put by what that
    and the red ones of this very train make likely, and not by ``failure_rate`` alone.
    """
    course = resolved_mode(mode, train.length, slots, failure_rate)
    known = [standing(car) for car in train.cars]
    land = _landable(train, known, running, course.mode)
    rest = train.cars[land:]
    wanted = list(range(len(rest)))
    if course.mode is QueueMode.SERIAL:
        slots, wanted = 1, wanted[:1]
    elif course.mode is QueueMode.TIP:
        suspects = _suspects(train, land, known)
        if outcomes is None:
            alive = survival(hazards(failure_rate, suspects))
        else:
            alive = believed_survival(beliefs(*outcomes, _red_stretches(train)), suspects)
        places = {car.commit: at for at, car in enumerate(rest)}
        under_way = sorted(places[commit] for commit in running if commit in places)
        wanted = _looks(alive, under_way, slots)
    idle = {  # one that brings nothing new is the same commit as the one in front
        rest[at].commit: rest[at]
        for at in wanted
        if known[land + at] is Standing.UNKNOWN and rest[at].commit not in running
    }
    free = max(0, slots - len(running))
    verify = tuple(islice(idle.values(), free))
    return Move(land, _red_by_itself(train, known, course.mode), verify)


def _red_by_itself(train: Train, known: Sequence[Standing], mode: QueueMode) -> Car | None:
    """The first that is red with nothing between it and the target."""
    for car in train.aside:
        if car.base == train.target:
            return car
    if mode is QueueMode.TIP and Standing.PASSED in known:  # with the first car in it
        return None
    return train.cars[0] if known[:1] == [Standing.RED] else None


def _landable(
    train: Train, known: Sequence[Standing], running: Collection[str], mode: QueueMode
) -> int:
    """How many cars from the front may land together.

    Not past the place of one left out, as long as it can be told right there that it is bad:
    landing past it would take that ground away, and all that is known of it.
    """
    good = _verified(known, mode)
    places = {car.commit: at for at, car in enumerate(train.cars, 1)}
    for car in train.aside:
        place = places.get(car.base, 0)
        if 0 < place < good and (known[place - 1] is Standing.PASSED or car.base in running):
            return _verified(known[:place], mode)
    return good


def _verified(known: Sequence[Standing], mode: QueueMode) -> int:
    """The longest prefix that is verified, in strict mode with all shorter ones."""
    if mode is QueueMode.TIP:
        return max((at for at, what in enumerate(known, 1) if what is Standing.PASSED), default=0)
    return next((at for at, what in enumerate(known) if what is not Standing.PASSED), len(known))


def _looks(alive: Sequence[float], under_way: Sequence[int], slots: int) -> list[int]:
    """The places at which to look, the most wanted first; none is behind a red one."""
    rest = [at for at, left in enumerate(alive) if left > 0]
    ideal = rungs(alive[: len(rest)], slots)
    return [*unserved(ideal, under_way), *(at for at in rest if at not in ideal)]


def _red_stretches(train: Train) -> list[int]:
    """How many changes each of those left out may be red for: itself and those since the one before."""
    places = {car.commit: at for at, car in enumerate(train.cars, 1)}
    ends = [0, *sorted(places.get(car.base, 0) for car in train.aside)]
    return [after - before + 1 for before, after in pairwise(ends)]


def _suspects(train: Train, land: int, known: Sequence[Standing]) -> list[int | None]:
    """Of each car behind the first ``land``: among how many from it on one is bad, where known.

    A red one tells that of all in front of it together with itself.
    """
    places = {car.commit: at for at, car in enumerate(train.cars, 1)}
    left_out = {places.get(car.base, 0) for car in train.aside}
    found: list[int | None] = []
    nearest: int | None = None
    for at in range(len(train.cars) - 1, land - 1, -1):
        if known[at] is Standing.RED:
            nearest = at
        elif at + 1 in left_out:
            nearest = at + 1
        found.append(None if nearest is None else nearest - at + 1)
    return found[::-1]

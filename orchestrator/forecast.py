"""Which branches in flight will conflict, with the target or with one another.

Two branches that change no file in common do not conflict, and are never merged to find out. Of the
others only that counts which the second to land would meet: each merges onto the target by itself,
and not onto the target with the other on it. Answers are known by the commits they are about, so
that nothing is asked twice. Pure; ``forecaster`` asks git. A forecast closes no gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

TaskKey = tuple[str, str]
"""Plan name and task id."""

Paths = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One task's work in flight: its head, and the paths it changes itself.

    ``met`` is whether the target has changed one of them meanwhile, ``on`` are the tasks that it stands
    on: it holds their work, and is brought up to it.
    """

    key: TaskKey
    head: str
    paths: frozenset[str]
    met: bool = False
    on: frozenset[TaskKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Question:
    """Whether ``head`` merges onto ``target``, with ``first`` on it where that is not empty."""

    target: str
    head: str
    first: str = ""


Answers = Mapping[Question, Paths]
"""The paths in conflict; none where it merges."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two branches of which the second to land will conflict, in ``paths``."""

    one: TaskKey
    other: TaskKey
    paths: Paths


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of the branches in flight to one target, in the order of their keys.

    ``against_target`` has the paths in which a branch conflicts with the target as it is, none where
    it merges, and no entry while nobody has looked; ``meeting`` are pairs that change a file in common, of which ``unknown`` were not looked at yet.
    """

    target: str
    commit: str
    branches: tuple[Branch, ...] = ()
    against_target: Mapping[TaskKey, Paths] = field(default_factory=dict)
    clashes: tuple[Clash, ...] = ()
    meeting: frozenset[tuple[TaskKey, TaskKey]] = frozenset()
    unknown: frozenset[tuple[TaskKey, TaskKey]] = frozenset()

    def is_open(self, pair: tuple[TaskKey, TaskKey]) -> bool:
        """Whether nobody can tell of a pair: it was not looked at, or one meets the target first."""
        return pair in self.unknown or any(map(self.against_target.get, pair))


class Outlook:
    """The newest forecast for each target."""

    def __init__(self) -> None:
        self.forecasts: dict[str, Forecast] = {}

    def clashes_of(self, plan: str, task: str) -> tuple[str, ...]:
        """What a branch will conflict with, and where, in a few words each."""
        key = (plan, task)
        return tuple(
            f"{_named(other, plan)} in {_some(clash.paths)}"
            for forecast in self.forecasts.values()
            for clash in forecast.clashes
            for other in _others(clash, key)
        )


def meeting(branches: Iterable[Branch]) -> Iterator[tuple[Branch, Branch]]:
    """The pairs that change a file in common, each once and in the order of their keys.

    A file that the other side makes a folder is in common, too. A stack does not meet what it
    stands on.
    """
    ordered = sorted(branches, key=lambda branch: branch.key)
    owners: dict[str, list[int]] = {}
    for number, branch in enumerate(ordered):
        for path in branch.paths:
            owners.setdefault(path, []).append(number)
    found: set[tuple[int, int]] = set()
    for path, several in owners.items():
        found.update(combinations(several, 2))
        for folder in _folders(path):
            above = owners.get(folder, ())
            found.update((min(a, b), max(a, b)) for a in above for b in several if a != b)
    for first, second in sorted(found):
        one, other = ordered[first], ordered[second]
        if one.key not in other.on and other.key not in one.on:
            yield one, other


def questions(commit: str, branches: Iterable[Branch], known: Answers) -> Iterator[Question]:
    """What has to be asked next, the cheapest first; more may follow from the answers."""
    kept = tuple(branches)
    pairs = tuple(meeting(kept))
    involved = {branch.key for pair in pairs for branch in pair}
    for branch in kept:
        alone = Question(commit, branch.head)
        if (branch.met or branch.key in involved) and alone not in known:
            yield alone
    for one, other in pairs:
        pair = Question(commit, other.head, one.head)
        if pair not in known and _both_merge(commit, one, other, known):
            yield pair


def forecast(target: str, commit: str, branches: Iterable[Branch], known: Answers) -> Forecast:
    """What the answers come to."""
    kept = tuple(sorted(branches, key=lambda branch: branch.key))
    pairs = tuple(meeting(kept))
    against = dict(_against_target(commit, kept, pairs, known))
    clashes: list[Clash] = []
    unknown: set[tuple[TaskKey, TaskKey]] = set()
    for one, other in pairs:
        if against.get(one.key) or against.get(other.key):
            continue
        paths = known.get(Question(commit, other.head, one.head))
        if paths is None:
            unknown.add((one.key, other.key))
        elif own := tuple(path for path in paths if _is_theirs(path, one, other)):
            clashes.append(Clash(one.key, other.key, own))
    return Forecast(
        target=target,
        commit=commit,
        branches=kept,
        against_target=against,
        clashes=tuple(clashes),
        meeting=frozenset((one.key, other.key) for one, other in pairs),
        unknown=frozenset(unknown),
    )


def still_asked(known: Answers, forecasts: Iterable[Forecast]) -> dict[Question, Paths]:
    """The answers that a look at the same branches would ask for again."""
    heads = {(f.commit, branch.head) for f in forecasts for branch in f.branches}
    return {
        question: paths
        for question, paths in known.items()
        if (question.target, question.head) in heads
        and (not question.first or (question.target, question.first) in heads)
    }


def _against_target(
    commit: str, branches: Iterable[Branch], pairs: Iterable[tuple[Branch, Branch]], known: Answers
) -> Iterator[tuple[TaskKey, Paths]]:
    """What is known of each branch with the target; one that meets nothing was never asked about."""
    involved = {branch.key for pair in pairs for branch in pair}
    for branch in branches:
        paths = known.get(Question(commit, branch.head))
        if paths is None and not branch.met and branch.key not in involved:
            paths = ()
        if paths is not None:
            yield branch.key, paths


def _both_merge(commit: str, one: Branch, other: Branch, known: Answers) -> bool:
    return all(known.get(Question(commit, branch.head)) == () for branch in (one, other))


def _is_theirs(path: str, one: Branch, other: Branch) -> bool:
    """Whether both change ``path`` themselves: a stacked branch also holds what it stands on."""
    return _touches(path, one) and _touches(path, other)


def _touches(path: str, branch: Branch) -> bool:
    if path in branch.paths or not branch.paths.isdisjoint(_folders(path)):
        return True
    return any(own.startswith(f"{path}/") for own in branch.paths)


def _folders(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _others(clash: Clash, key: TaskKey) -> Sequence[TaskKey]:
    if key == clash.one:
        return (clash.other,)
    return (clash.one,) if key == clash.other else ()


def _named(key: TaskKey, plan: str) -> str:
    return key[1] if key[0] == plan else "/".join(key)


def _some(paths: Sequence[str], limit: int = 2) -> str:
    shown = ", ".join(paths[:limit])
    return f"{shown} and {len(paths) - limit} more" if len(paths) > limit else shown

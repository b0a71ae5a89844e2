"""The changes of a history: what landed, one by one, on the branch that is replayed.

A change is a first-parent commit. A merge brings its second parent, made on their common ancestor;
what history does not tell so (a single commit, squashed or pushed; several ancestors; more than
two parents) is taken as its difference to the commit before. Reading, no writing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from history_replay.git import GitFailed, git, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_FORGE_MERGES = ("Merge pull request ", "Merge branch ", "Merge remote-tracking branch ")


@dataclass(frozen=True, slots=True)
class Change:
    """One change: ``commit`` on the branch, ``parent`` before it, ``head`` made on ``base``.

    ``builds_on`` are the ids of the replayed changes that its base held already.
    """

    id: str
    commit: str
    parent: str
    head: str
    base: str
    title: str
    is_merge: bool
    builds_on: frozenset[str] = frozenset()


def last_changes(repository: Path, tip: str, count: int) -> list[Change]:
    """At most the last ``count`` changes up to ``tip``, oldest first, each with its base."""
    shown = ("log", "-z", "--first-parent", f"-{count}", "--format=%H%n%P%n%s%n%b")
    told = [entry.split("\n", 3) for entry in listed(repository, *shown, tip)]
    entries = [entry for entry in reversed(told) if entry[1]]
    width = max(2, len(str(len(entries))))
    return [
        _change(repository, f"c{number:0{width}}", entry) for number, entry in enumerate(entries, 1)
    ]


def with_bases(repository: Path, changes: Sequence[Change], together: int) -> list[Change]:
    """The same, each knowing what it builds on.

    At most ``together`` are open at once, also those whose base is older or is not told.
    """
    known: list[Change] = []
    for change in changes:
        long_landed = known[: max(0, len(known) + 1 - together)]
        held = _held(repository, change, changes[0].parent) if change.is_merge else set()
        builds_on = [*long_landed, *(one for one in known if {one.commit, one.head} & held)]
        known.append(replace(change, builds_on=frozenset(one.id for one in builds_on)))
    return known


def direct(change: Change, among: Iterable[Change]) -> list[str]:
    """The ids that ``change`` builds on, without those that follow from others of them."""
    held = [one for one in among if one.id in change.builds_on]
    implied = frozenset[str]().union(*(one.builds_on for one in held))
    return [one.id for one in held if one.id not in implied]


def _held(repository: Path, change: Change, start: str) -> set[str]:
    """The commits since ``start`` that a change's base held."""
    return set(git(repository, "rev-list", change.base, f"^{start}").split())


def _change(repository: Path, name: str, told: list[str]) -> Change:
    commit, parents, subject, body = told
    before, *brought = parents.split()
    single = Change(name, commit, before, commit, before, _title(subject, body), is_merge=False)
    base = _base(repository, before, brought[0]) if len(brought) == 1 else ""
    if not base or base == brought[0]:
        return single
    return replace(single, head=brought[0], base=base, is_merge=True)


def _base(repository: Path, before: str, head: str) -> str:
    """The one best common ancestor; empty where there is none, or more."""
    try:
        found = git(repository, "merge-base", "--all", before, head).split()
    except GitFailed:
        return ""
    return found[0] if len(found) == 1 else ""


def _title(subject: str, body: str) -> str:
    """What a person called it: forges write that below their own words."""
    first = body.lstrip().split("\n", 1)[0].strip()
    return first if first and subject.startswith(_FORGE_MERGES) else subject

"""Work with the architect's own files as they were: protected paths, and tests that are locked.

So that nothing that is verified is answered by files that its session may not change: neither what
a session asks for while it works, nor the branch it ends with, which goes back to it all the same.
The branch is not touched, and what such a commit comes to says nothing of the branch's own tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from orchestrator.git.candidates import Conflict
from orchestrator.tests_first.rules import is_writing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from orchestrator.git.listing import TreeEntry
    from orchestrator.git.opening import OpenRepository
    from orchestrator.readiness import Survey
    from orchestrator.records import TaskRecord
    from orchestrator.tests_first.rules import Asked

MESSAGE = "with what no session may change put back"


@dataclass(frozen=True, slots=True)
class Restored:
    """A commit on no branch, its tree, and the paths that were put back in it.

    ``displaced`` are those that stood in their place, a file where a folder was or the like.
    """

    commit: str
    tree: str
    paths: tuple[str, ...]
    displaced: tuple[str, ...] = ()


def restorable(survey: Survey, record: TaskRecord, asked: Asked | None) -> bool:
    """Whether the work changes what can be put back, and the rest of it can be looked at then.

    Of a session that was to write nothing but tests and wrote more, nobody can tell what is what.
    """
    kept = {*survey.protected, *survey.locked}
    return bool(kept) and not (is_writing(asked, record) and set(survey.out_of_scope) - kept)


async def restored(
    git: OpenRepository, record: TaskRecord, survey: Survey, tree: str
) -> Restored | None:
    """The work of ``survey``, whose tree is ``tree``, with what it may not change put back.

    Protected paths as they are in the base, locked tests as they were seen red, with what landed
    beside them. None where the work keeps off both, or where nobody can tell how the tests were.
    """
    paths = tuple(dict.fromkeys((*survey.locked, *survey.protected)))
    original = await _original(git, record, survey) if paths else None
    if original is None:
        return None
    theirs = (await git.listings.of(tree)).entries
    placed = {entry.path for entry in original}
    folders = {folder for path in placed for folder in _folders(path)}
    spoilt = frozenset(paths)
    kept: list[TreeEntry] = []
    displaced: list[str] = []
    for entry in theirs:
        if entry.path in spoilt:
            continue
        if entry.path in folders or not placed.isdisjoint(_folders(entry.path)):
            displaced.append(entry.path)
        else:
            kept.append(entry)
    made = await git.reductions.of(survey.head, (*kept, *original), message=MESSAGE)
    return Restored(made.commit, made.tree, paths, tuple(displaced))


async def _original(
    git: OpenRepository, record: TaskRecord, survey: Survey
) -> list[TreeEntry] | None:
    """What is to be there in place of the changed paths, of which some were not there at all."""
    base = await git.objects.tree_of(record.base)
    locked = frozenset(survey.locked)
    found = await _entries(git, base, frozenset(survey.protected) - locked)
    if not locked:
        return found
    lock = await git.candidates.merge(record.base, record.tests_head)
    if isinstance(lock, Conflict):
        return None
    return [*await _entries(git, lock.tree, locked), *found]


async def _entries(git: OpenRepository, tree: str, paths: Collection[str]) -> list[TreeEntry]:
    return [entry for entry in (await git.listings.of(tree)).entries if entry.path in paths]


def _folders(path: str) -> Iterator[str]:
    """Every folder that a path is in."""
    parts: Iterable[str] = path.split("/")[:-1]
    return accumulate(parts, lambda outer, part: f"{outer}/{part}")

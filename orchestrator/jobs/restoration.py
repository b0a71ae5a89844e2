"""Work in progress with the architect's own files as they were: protected paths and locked tests.

So that a session which asks how its work stands is not answered by files it may not change. What
it ends with is not verified at all while such a file is changed (``feedback``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.git.candidates import Conflict

if TYPE_CHECKING:
    from orchestrator.git.opening import OpenRepository
    from orchestrator.readiness import Survey
    from orchestrator.records import TaskRecord


@dataclass(frozen=True, slots=True)
class Restored:
    """A commit on no branch, its tree, and the paths that were put back in it."""

    commit: str
    tree: str
    paths: tuple[str, ...]


async def restored(
    git: OpenRepository, record: TaskRecord, survey: Survey, tree: str
) -> Restored | None:
    """The work of ``survey``, whose tree is ``tree``, with what it may not change put back.

    None where it keeps off that; raises GitError where it cannot be put back, since something else
    is in its place.
    """
    paths = tuple(dict.fromkeys((*survey.protected, *survey.locked)))
    if not paths:
        return None
    before = await git.listings.of(await _original(git, record))
    after = await git.listings.of(tree)
    spoilt = frozenset(paths)
    entries = [entry for entry in after.entries if entry.path not in spoilt]
    entries += [entry for entry in before.entries if entry.path in spoilt]
    made = await git.reductions.of(survey.head, entries)
    return Restored(made.commit, made.tree, paths)


async def _original(git: OpenRepository, record: TaskRecord) -> str:
    """The tree that holds the architect's files, and the locked tests as they were seen red."""
    if record.tests_head:
        merged = await git.candidates.merge(record.base, record.tests_head)
        if not isinstance(merged, Conflict):
            return merged.tree
    return await git.objects.tree_of(record.base)

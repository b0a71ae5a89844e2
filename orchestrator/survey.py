"""Looking at what git says of a task's work: its size, its scope, its conflicts."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.candidates import Conflict
from orchestrator.plan.globs import PathGlobs
from orchestrator.readiness import Survey

if TYPE_CHECKING:
    from orchestrator.git.candidates import Candidates
    from orchestrator.git.history import History
    from orchestrator.plan.model import Plan, Task


async def survey_changes(
    history: History, plan: Plan, task: Task, *, base: str, head: str
) -> Survey:
    """The size and scope of ``base..head``; conflicts are not looked at."""
    stat, paths = await history.changes(base, head)
    scope, protected = _globs(task.touches), _globs(plan.protect)
    return Survey(
        head=head,
        files=stat.files,
        insertions=stat.insertions,
        deletions=stat.deletions,
        out_of_scope=tuple(p for p in paths if task.touches and not scope.matches(p)),
        protected=tuple(p for p in paths if protected.matches(p)),
    )


async def survey_conflicts(candidates: Candidates, survey: Survey, target: str) -> Survey:
    """The same survey with the conflicts that ``survey.head`` has with the commit ``target``."""
    try:
        merged = await candidates.merge(target, survey.head)
    except GitError:  # the target was replaced by a history that has nothing in common
        return replace(survey, target=target, conflicts=("every file",))
    conflicts = merged.paths if isinstance(merged, Conflict) else ()
    return replace(survey, target=target, conflicts=conflicts)


@lru_cache(maxsize=512)
def _globs(patterns: tuple[str, ...]) -> PathGlobs:
    return PathGlobs(patterns)

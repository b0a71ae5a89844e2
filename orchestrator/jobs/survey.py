"""Looking at what git says of a task's work: its size, its scope, its conflicts."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.candidates import Conflict
from orchestrator.plan.globs import PathGlobs
from orchestrator.readiness import Survey
from orchestrator.tests_first.rules import asked_of, within
from orchestrator.tests_first.runner_config import is_reconfigured, is_runner_config

if TYPE_CHECKING:
    from orchestrator.git.candidates import Candidates
    from orchestrator.git.history import History
    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import TaskRecord


async def survey_work(
    history: History, candidates: Candidates, plan: Plan, record: TaskRecord, head: str
) -> Survey:
    """The size and scope of a task's work up to ``head``, and what became of its locked tests."""
    task = plan.task(record.id)
    asked = asked_of(plan, task)
    survey = await survey_changes(
        history, plan, within(task, asked, record), base=record.base, head=head
    )
    if asked is None or not record.tests_head:
        return survey
    return await survey_tests(
        history, candidates, survey, asked.paths, base=record.base, tests_head=record.tests_head
    )


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


async def survey_tests(
    history: History,
    candidates: Candidates,
    survey: Survey,
    paths: tuple[str, ...],
    *,
    base: str,
    tests_head: str,
) -> Survey:
    """The same survey with the locked tests that ``survey.head`` changes, and what else decides of them.

    Locked are the tests as they were seen red, together with what landed beside them: exactly what
    the target and the tests merge to.
    """
    merged = await candidates.merge(base, tests_head)
    _, changed = await history.changes(merged.tree, survey.head)
    locked = _globs(paths)
    config = [path for path in changed if is_runner_config(path) and not locked.matches(path)]
    return replace(
        survey,
        tests_head=tests_head,
        locked=tuple(path for path in changed if locked.matches(path)),
        reconfigured=tuple(
            [
                path
                for path in config
                if is_reconfigured(
                    path,
                    await history.file_at(merged.tree, path),
                    await history.file_at(survey.head, path),
                )
            ]
        ),
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

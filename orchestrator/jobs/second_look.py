"""Building up again what only a running engine has in mind: sizes, scope, conflicts, check marks.

For an engine that starts and for a client that reads the stored state without one.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.git.candidates import Candidates
from orchestrator.git.landing import standing_on
from orchestrator.git.refs import Refs, branch_ref
from orchestrator.git.stragglers import Stragglers
from orchestrator.jobs.survey import survey_conflicts, survey_work
from orchestrator.site import BRANCH, RESTORED
from orchestrator.states import TaskState, Verdict
from orchestrator.tests_first.rules import asked_of, is_writing, unproven
from orchestrator.verification_records import results_from, verification_from

if TYPE_CHECKING:
    from orchestrator.readiness import Survey
    from orchestrator.records import TaskRecord, VerificationRecord
    from orchestrator.site import Records


async def look_again(records: Records) -> None:
    """Fill in the activity of every task that has a head; what git cannot tell stays unknown."""
    _recall_times(records)
    refs = Refs(records.repository.git, records.repository.null_oid)
    await _look_ahead(records)
    await _recall_stragglers(records, refs)
    for name in records.book.names():
        target = await refs.resolve(branch_ref(records.book.record(name).target))
        for task in records.book.snapshot(name).tasks.values():
            if task.head and task.base:
                recall_checks(records, task)
                await _recall_survey(records, task, target)


async def _recall_stragglers(records: Records, refs: Refs) -> None:
    """Checkouts that stayed behind a target; nothing is forgotten of them here."""
    repository = records.repository
    for target in {records.book.record(name).target for name in records.book.names()}:
        ref = branch_ref(target)
        if tip := await refs.resolve(ref):
            trees = standing_on(repository.common_dir, ref, repository.main)
            stragglers = Stragglers(repository.git, refs, records.history)
            with suppress(GitError):  # an index that cannot be read is its owner's affair
                found = await stragglers.look(ref, trees, tip, forget=False)
                records.activity.behind[target] = found


async def _look_ahead(records: Records) -> None:
    """Have the sizes of all changes told at once: a command for each would be most of the time."""
    plans = map(records.book.snapshot, records.book.names())
    tasks = [task for plan in plans for task in plan.tasks.values()]
    pairs = [(task.base, task.head) for task in tasks if task.head and task.base]
    if pairs:
        await records.history.look_ahead(pairs)


def _recall_times(records: Records) -> None:
    """Where the time of every task went, from the log of its moves.

    The log also holds the moves of plans that were forgotten, some of which began anew.
    """
    after, begun = 0, {name: records.book.record(name).started_at for name in records.book.names()}
    while moves := records.store.events(after, kind=EventKind.TASK_CHANGED):
        for move in moves:
            if move.at >= begun.get(move.plan, math.inf):
                records.activity.observe(move)
        after = moves[-1].seq


def recall_checks(records: Records, task: TaskRecord) -> None:
    """Show the last verification on record, and none as going on."""
    live = records.activity.of(task.plan, task.id)
    live.begin_checks(())
    last = records.store.newest_verification(task.plan, task.id)
    for result in results_from(last) if last else ():
        live.checks[result.check] = result


async def _recall_survey(records: Records, task: TaskRecord, target: str | None) -> None:
    live = records.activity.of(task.plan, task.id)
    try:
        live.survey = await _survey(records, task, target)
    except GitError:
        live.survey = None


async def _survey(records: Records, task: TaskRecord, target: str | None) -> Survey:
    plan, candidates = records.book.plan(task.plan), Candidates(records.repository.git)
    survey = await survey_work(records.history, candidates, plan, task, task.head)
    restored = await _restored(records, task, survey)
    survey = replace(survey, unproven=unproven_tests(records, task), restored=restored)
    if target is None or task.state is not TaskState.VERIFIED:
        return survey
    return await survey_conflicts(candidates, survey, target)


def unproven_tests(records: Records, task: TaskRecord) -> tuple[str, ...] | None:
    """The tests that were seen red and not green at the head; None where nobody has looked."""
    asked = asked_of(records.book.plan(task.plan), records.book.task(task.plan, task.id))
    last = records.store.last_verification(task.plan, task.id, BRANCH)
    if asked is None or last is None or last.commit != task.head:
        return None
    return unproven(records.red_results(task), results_from(last), checks=asked.checks)


async def _restored(records: Records, task: TaskRecord, survey: Survey) -> Verdict | None:
    """What the head came to with what it may not change put back; None where nobody has looked."""
    asked = asked_of(records.book.plan(task.plan), records.book.task(task.plan, task.id))
    if not (survey.protected or survey.locked) or is_writing(asked, task):
        return None
    last = records.newest(task, RESTORED)
    refs = Refs(records.repository.git, records.repository.null_oid)
    is_of_head = last is not None and await refs.resolve(f"{last.commit}^") == task.head
    return restored_verdict(last) if last and is_of_head else None


def restored_verdict(record: VerificationRecord) -> Verdict:
    """In a word, what may be told of it: a flaky check that the plan allows has passed."""
    return Verdict.PASSED if verification_from(record).passed else Verdict(record.verdict)

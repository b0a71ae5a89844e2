"""Keeping the evidence of what landed as notes in git, for those who have no database.

After the landing, never before: the target has moved and stays, whatever becomes of the note. What a
crash left out is written by the next start, from the same records and so in the same words. A
landing of which no passed verification is on record (rebuilt from git, say) gets no note: a
document that proves nothing would only look like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.evidence import Seen, evidence_of, evidence_text, newest_results
from orchestrator.git.landings import landings
from orchestrator.git.refs import branch_ref
from orchestrator.site import CANDIDATE, RED
from orchestrator.states import TaskState
from orchestrator.verification_records import results_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.evidence import Evidence
    from orchestrator.git.landings import PastLanding
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


async def keep_evidence(site: Site, tasks: Sequence[TaskRecord]) -> None:
    """Note on each landed commit what proves it; done again it changes nothing.

    Tasks that landed together come together. The landing counts whatever becomes of this.
    """
    try:
        notes = {one.commit: evidence_text(one) for one in await _evidence(site, tasks)}
        if notes:
            date = max(int(task.changed_at) for task in tasks)
            await site.git.notes.write(notes, date=date)
            crash_point("notes.kept")
    except GitError as error:
        named = ", ".join(task.id for task in tasks[:3])
        message = f"the evidence of {named} is not noted in git yet; the next start will: {error}"
        site.ledger.tell(EventKind.WARNING, message, plan=tasks[0].plan)


async def keep_missing_evidence(site: Site) -> None:
    """Write the notes that are missing; for before the first tick."""
    store = site.records.store
    await site.git.notes.forget_draft()
    merged = [
        task
        for plan in store.plans()
        for task in store.tasks(plan.name)
        if task.state is TaskState.MERGED and task.merged_commit
    ]
    noted = await site.git.notes.noted() if merged else {}
    if missing := [task for task in merged if task.merged_commit not in noted]:
        await keep_evidence(site, missing)


async def _evidence(site: Site, tasks: Sequence[TaskRecord]) -> list[Evidence]:
    by_target: dict[str, list[TaskRecord]] = {}
    for task in tasks:
        by_target.setdefault(site.target(task.plan), []).append(task)
    found: list[Evidence] = []
    for target, landed in by_target.items():
        tip = await site.git.refs.resolve(branch_ref(target))
        since = min(landed, key=lambda task: task.changed_at).intent_base
        past = await landings(site.git.git, tip, since=since) if tip else ()
        way = {one.commit: one for one in reversed(past)}  # the oldest first
        found += [one for task in landed if (one := await _of(site, task, way)) is not None]
    return found


async def _of(site: Site, task: TaskRecord, way: Mapping[str, PastLanding]) -> Evidence | None:
    """The evidence of a task; None where it did not land by us, or no proof is on record."""
    past, commits = way.get(task.merged_commit), list(way)
    if past is None or (past.plan, past.task) != (task.plan, task.id):
        return None
    # What landed together was verified at its tip; what was lost with a database was not.
    later = commits[commits.index(past.commit) :] if task.verified_head == past.head else []
    for commit in later:
        seen = await _seen(site, commit)
        if seen is not None:
            records = site.records
            return evidence_of(
                past,
                await site.git.objects.tree_of(past.commit),
                plan=records.book.record(task.plan),
                task=task,
                title=_title(site, task),
                attempts=records.store.attempts(task.plan, task.id),
                verified=seen,
                red=_red(site, task),
            )
    return None


async def _seen(site: Site, commit: str) -> Seen | None:
    """What the verifications of a landed commit came to, if every check of them is green."""
    tree, store = await site.git.objects.tree_of(commit), site.records.store
    rows = [
        results_from(one)
        for plan in store.plans()
        for task in store.tasks(plan.name)
        if task.merged_commit == commit
        for one in store.verifications(task.plan, task.id)
        if (one.purpose, one.commit, one.tree) == (CANDIDATE, commit, tree)
    ]
    results = newest_results(rows)
    green = bool(results) and all(result.ok for result in results)
    return Seen(commit, tree, results) if green else None


def _red(site: Site, task: TaskRecord) -> Seen | None:
    proof = site.records.store.last_verification(task.plan, task.id, RED)
    if proof is None or not task.tests_head or proof.commit != task.tests_head:
        return None
    return Seen(proof.commit, proof.tree, results_from(proof))


def _title(site: Site, task: TaskRecord) -> str:
    planned = site.records.book.plan(task.plan).tasks_by_id
    return planned[task.id].title if task.id in planned else ""

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
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from orchestrator.evidence import Evidence
    from orchestrator.git.landings import PastLanding
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


_FEW = 50
"""Of more landings the whole way is read, which asks git for less."""


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
    await site.git.notes.forget_draft()
    merged = [task for task in _all_tasks(site) if task.state is TaskState.MERGED]
    noted = await site.git.notes.noted() if merged else {}
    missing = [task for task in merged if not _commits(task) <= noted.keys()]
    if missing:
        await keep_evidence(site, missing)


def _all_tasks(site: Site) -> Iterator[TaskRecord]:
    for plan in site.records.store.plans():
        yield from site.records.store.tasks(plan.name)


def _commits(task: TaskRecord) -> set[str]:
    """What it landed as, and what took it back."""
    return {task.merged_commit, task.reverted_commit} - {""}


async def _evidence(site: Site, tasks: Iterable[TaskRecord]) -> list[Evidence]:
    by_target: dict[str, list[TaskRecord]] = {}
    for task in tasks:
        by_target.setdefault(site.target(task.plan), []).append(task)
    found: list[Evidence] = []
    for target, landed in by_target.items():
        way = await _way(site, target, {task.intent_base for task in landed})
        found += [one for task in landed for one in await _of(site, task, way)]
    return found


async def _way(site: Site, target: str, bases: Collection[str]) -> dict[str, PastLanding]:
    """What landed on a target since the first of ``bases``, the oldest first, by its commit."""
    git, few = site.git, 0 < len(bases) <= _FEW and "" not in bases
    tip = await git.refs.resolve(branch_ref(target))
    since = await git.history.common_base(bases) if few else ""
    past = await landings(git.git, tip, since=since) if tip else ()
    return {one.commit: one for one in reversed(past)}


async def _of(site: Site, task: TaskRecord, way: Mapping[str, PastLanding]) -> list[Evidence]:
    """The evidence of a task; none where it did not land by us, or no proof is on record."""
    found = []
    for commit in sorted(_commits(task)):
        past = way.get(commit)
        if past is None or (past.plan, past.task) != (task.plan, task.id):
            continue
        # What was lost with a database was not verified by what landed later.
        known = past.undoes or task.verified_head == past.head
        if known and (seen := await _proof(site, past, way)) is not None:
            found.append(await _evidence_of(site, task, past, seen))
    return found


async def _proof(site: Site, past: PastLanding, way: Mapping[str, PastLanding]) -> Seen | None:
    """What was verified of a landing: itself, or else the next that was, with which it landed."""
    commits = list(way)
    for commit in commits[commits.index(past.commit) :]:
        seen = await _seen(site, commit)
        if seen is not None:
            return seen
    return None


async def _seen(site: Site, commit: str) -> Seen | None:
    """What the verifications of a landed commit came to, if every check of them is green."""
    tree, store = await site.git.objects.tree_of(commit), site.records.store
    rows = [
        results_from(one)
        for task in _all_tasks(site)
        if commit in _commits(task)
        for one in store.verifications(task.plan, task.id)
        if (one.purpose, one.commit, one.tree) == (CANDIDATE, commit, tree)
    ]
    results = newest_results(rows)
    green = bool(results) and all(result.ok for result in results)
    return Seen(commit, tree, results) if green else None


async def _evidence_of(site: Site, task: TaskRecord, past: PastLanding, seen: Seen) -> Evidence:
    records = site.records
    return evidence_of(
        past,
        await site.git.objects.tree_of(past.commit),
        plan=records.book.record(task.plan),
        task=task,
        title=_title(site, task),
        attempts=() if past.undoes else records.store.attempts(task.plan, task.id),
        verified=seen,
        red=None if past.undoes else red_seen(site, task),
    )


def red_seen(site: Site, task: TaskRecord) -> Seen | None:
    """What was seen red of the tests that are locked now, if any are."""
    proof = site.records.store.last_verification(task.plan, task.id, RED)
    if proof is None or not task.tests_head or proof.commit != task.tests_head:
        return None
    return Seen(proof.commit, proof.tree, results_from(proof))


def _title(site: Site, task: TaskRecord) -> str:
    planned = site.records.book.plan(task.plan).tasks_by_id
    return planned[task.id].title if task.id in planned else ""

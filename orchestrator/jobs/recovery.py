"""Starting by cleaning up after a crash, our own included.

Every session of the engine that is gone is dead by design. What it left is committed, its
attempt is closed as abandoned and not counted, and its task goes back into the queue. A landing
that was under way is decided by git alone: the candidate on record is in the target, or it is
not. Running this twice changes nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.git.landings import is_of
from orchestrator.git.refs import CHECKS, branch_ref, keep_ref
from orchestrator.jobs import attempts
from orchestrator.jobs.attestation import keep_evidence, keep_missing_evidence
from orchestrator.jobs.second_look import look_again
from orchestrator.jobs.session_place import bring_home
from orchestrator.jobs.target_ground import TargetGround, leave_of
from orchestrator.states import Outcome, TaskState

if TYPE_CHECKING:
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site

ABANDONED = "the engine ended while the session ran"


async def recover(site: Site) -> None:
    """Bring the stored state and the repository back in step; for before the first tick."""
    for note in await site.git.repair():
        site.ledger.tell(EventKind.WARNING, note)
    for ref in await site.git.refs.list(CHECKS):  # nobody waits for those any more
        await site.git.refs.let_go(ref)
    crash_point("recovery.repaired")
    for plan in site.records.store.plans():
        for task in site.records.store.tasks(plan.name):
            if task.state is TaskState.RUNNING:
                await _abandon(site, task)
            elif task.state is TaskState.MERGING:
                await _decide_landing(site, task)
            elif task.state is TaskState.MERGED:
                await _tidy(site, task)
                await finish_reverting(site, task)
            elif task.retry_at and not plan.settled_at:  # what is settled waits for a person
                site.ledger.amend(task, retry_at=waits_until(task, site.ledger.clock()))
    await keep_missing_evidence(site)
    await look_again(site.records)


def waits_until(task: TaskRecord, now: float) -> float:
    """When a waiting task is due by the clock of a new engine, 0 for at once.

    The former engine's clock may have been ahead: a service is waited for as long as that engine
    meant to at most. What waits for the machine is tried by every new engine.
    """
    if task.state is not TaskState.RETRY_QUEUED:
        return 0.0
    return min(task.retry_at, now + max(0.0, task.retry_at - task.changed_at))


async def _abandon(site: Site, task: TaskRecord) -> None:
    head = await save_leftovers(site, task)
    await keep_head(site, task, head)
    crash_point("recovery.kept")
    left = site.records.store.attempts(task.plan, task.id)[-1]
    closed = attempts.closed(left, Outcome.ABANDONED, ABANDONED, now=site.ledger.clock(), head=head)
    site.ledger.move(
        task,
        TaskState.RETRY_QUEUED,
        reason=ABANDONED,
        closed=closed,
        head=head or task.head,
        session_id=closed.session_id or task.session_id,
    )
    crash_point("recovery.abandoned")


async def save_leftovers(site: Site, task: TaskRecord) -> str:
    """Commit what the dead session left in its worktree; returns the branch's head."""
    if not task.base:
        return ""
    try:
        head = await collect_leftovers(site, task)
    except GitError as error:
        message = f"what the interrupted session left could not be saved: {error}"
        site.ledger.tell(EventKind.WARNING, message, plan=task.plan, task=task.id)
        return ""
    crash_point("recovery.saved")
    return head


async def collect_leftovers(site: Site, task: TaskRecord) -> str:
    """The same; raises GitError, and then all is where it was."""
    tree = await site.git.worktrees.reopen(task.plan, task.id)
    brought = await bring_home(site, task, tree)
    collected = await site.git.leftovers.collect(
        tree,
        branch=task.branch,
        base=task.base,
        message=f"{task.id}: what an interrupted session left",
        scanned=brought.scanned,
    )
    return collected.head


async def keep_head(site: Site, task: TaskRecord, head: str) -> None:
    """Hold on to a head for good, whatever becomes of its branch."""
    if head:
        await site.git.refs.hold(keep_ref(task.plan, task.id, task.sessions), head)


async def _decide_landing(site: Site, task: TaskRecord) -> None:
    """Git says whether the candidate on record has landed."""
    if not await finish_landing(site, task):
        reason = "landing was interrupted; it starts again"
        site.ledger.move(task, TaskState.VERIFIED, reason=reason)


async def finish_landing(site: Site, task: TaskRecord) -> bool:
    """Finish a landing whose move of the target is done; whether it is, by git's word alone.

    Also for an engine that lives: the machine may fail right after the move.
    """
    target = await site.git.refs.resolve(branch_ref(site.target(task.plan)))
    if not (target and task.intent and await _has_landed(site, task, target)):
        return False
    await _follow(site, task)
    crash_point("recovery.followed")
    if task.state is TaskState.VERIFIED:
        task = site.ledger.move(task, TaskState.MERGING, reason="it is on the target already")
    task = site.ledger.land(task, task.intent, task.intent_base, "landed before the engine ended")
    crash_point("recovery.landed")
    await keep_evidence(site, [task])
    await _tidy(site, task)
    return True


async def finish_reverting(site: Site, task: TaskRecord) -> bool:
    """The same for what was to take a landing back."""
    target = await site.git.refs.resolve(branch_ref(site.target(task.plan)))
    intent = task.revert_intent
    if task.reverted_commit or not (intent and target):
        return False
    if not await site.git.history.is_ancestor(intent, target):
        return False
    site.ledger.take_back(task, intent, "taken back before the engine ended")
    return True


async def _has_landed(site: Site, task: TaskRecord, target: str) -> bool:
    """Whether the candidate is on the target, and is one of the work as it is now."""
    objects, history = site.git.objects, site.git.history
    if not await is_of(objects, history, task.intent, task.head):
        return False
    return await history.is_ancestor(task.intent, target)


async def _tidy(site: Site, task: TaskRecord) -> None:
    """Remove the worktree that a landed task still has."""
    if not site.git.worktrees.stands(task.plan, task.id):
        return
    try:
        await site.git.worktrees.remove(task.plan, task.id)
        await site.enclosures.drop(f"{task.plan}/{task.id}")
    except GitError as error:
        message = f"its worktree could not be removed: {error}"
        site.ledger.tell(EventKind.WARNING, message, plan=task.plan, task=task.id)


async def _follow(site: Site, task: TaskRecord) -> None:
    """Bring the checkouts along; the task has landed whatever becomes of that."""
    try:
        await _bring_checkouts_along(site, task)
    except GitError as error:
        message = f"it has landed, but its checkouts are not in order: {error}"
        site.ledger.tell(EventKind.WARNING, message, plan=task.plan, task=task.id)


async def _bring_checkouts_along(site: Site, task: TaskRecord) -> None:
    """The files of a checkout that was to follow a target which had moved already."""
    ground = TargetGround(site, site.target(task.plan))
    await ground.look_behind(leave=leave_of(site, (task.plan,)))

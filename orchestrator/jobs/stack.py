"""The job of bringing a stacked task up to what it stands on now, and verifying it anew.

Its own changes are carried onto the new ground by plumbing: a merge commit on its branch, made
without a session. Only where they conflict does the work go back to its agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.candidates import Conflict
from orchestrator.git.grounds import Clash
from orchestrator.git.refs import branch_ref
from orchestrator.jobs.recovery import keep_head
from orchestrator.jobs.session_place import is_abroad
from orchestrator.jobs.stacks import clash_sentence, ground_of, stack_feedback
from orchestrator.scheduling.footing import stood_on
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from orchestrator.git.candidates import Merge
    from orchestrator.jobs.stacks import Footed
    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site

HUNK_BYTES = 6000


@dataclass(frozen=True, slots=True)
class _Lift:
    """One task, where its branch is, and the ground it is brought up to; ``names`` it stands on."""

    task: Task
    record: TaskRecord
    start: str
    ground: Footed
    names: str

    @property
    def facts(self) -> dict[str, Any]:
        """What goes on record once it stands there."""
        return {
            "base": self.ground.commit,
            "stacked_on": self.ground.words,
            "verified_head": "",
            "held": "",
            "retry_at": 0.0,
        }


class StackJob:
    """Brings the stacked tasks of one engine up."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def bring_up(self, plan: str, task: str) -> None:
        """Carry the work of a task onto the ground as it is now; what comes of it moves the task."""
        site = self._site
        record, planned = site.ledger.task(plan, task), site.records.book.task(plan, task)
        target = await site.git.refs.resolve(branch_ref(site.target(plan)))
        if target is None:
            raise GitError(f"the target branch {site.target(plan)!r} is gone; make it again")
        ground = await ground_of(site, planned, record, target)
        if isinstance(ground, Clash):
            self._ask(record, f"{clash_sentence(ground)}; land one of them, or have it changed")
            return
        start = await site.git.refs.resolve(branch_ref(record.branch)) or record.head
        lift = _Lift(planned, record, start, ground, " and ".join(stood_on(record)))
        merged = await site.git.candidates.merge(start, ground.commit)
        if isinstance(merged, Conflict):
            await self._send_back(lift)
        else:
            await self._carry(lift, merged)

    async def _carry(self, lift: _Lift, merged: Merge) -> None:
        """The files first, which can be brought again; then the branch; then what is on record."""
        site, record = self._site, lift.record
        tree = site.git.linked.glance(f"{record.plan}/{record.id}")
        if tree is not None and is_abroad(site, record, tree):
            self._ask(record, "what its last session committed is not on its branch yet")
            return
        head = await self._joined(lift, merged)
        dirt = await site.git.worktrees.go_ahead(record.plan, record.id, lift.start, head)
        if dirt:
            told = f"its worktree cannot follow what it stands on: {', '.join(dirt[:3])}"
            self._ask(record, f"{told}; commit or undo that there")
            return
        crash_point("stack.files-brought")
        if head != lift.start:
            reason = "clerk: brought up to what it stands on"
            await site.git.refs.move(branch_ref(record.branch), head, lift.start, reason)
            crash_point("stack.branch-moved")
        await keep_head(site, record, head)
        reason = f"{lift.names} changed; its work was brought up to that"
        site.records.activity.of(record.plan, record.id).survey = None
        if record.state is TaskState.VERIFYING:
            site.ledger.amend(record, head=head, reason=reason, **lift.facts)
        else:
            site.ledger.move(record, TaskState.VERIFYING, reason=reason, head=head, **lift.facts)

    async def _joined(self, lift: _Lift, merged: Merge) -> str:
        """The branch with the ground in it: as it is where it holds that already.

        Dated by what is on record, so that after a crash it is the same commit again.
        """
        site, record = self._site, lift.record
        if await site.git.history.is_ancestor(lift.ground.commit, lift.start):
            return lift.start
        made = await site.git.candidates.commit(
            merged,
            message=f"Merge {lift.names} as it is now into {record.branch}\n",
            author=site.user,
            date=int(record.changed_at),
        )
        return made.commit

    async def _send_back(self, lift: _Lift) -> None:
        """To its agent, whose next session finds the ground merged in; bounded, then a person."""
        site, record = self._site, lift.record
        paths, hunks = await self._shown(lift)
        why = f"conflicts with {lift.names} as it is now in {', '.join(paths[:3])}"
        facts: dict[str, Any] = {
            "merge_requested": False,
            "verified_head": "",
            "sent_back": record.sent_back + 1,
            "attempts_extra": record.attempts_extra + 1,
            "held": "",
            "retry_at": 0.0,
            "feedback": stack_feedback(lift.names, paths, hunks),
            "sync_target": True,
        }
        budget = site.records.book.plan(record.plan).budget_of(lift.task)
        if record.sent_back >= budget.attempts:
            reason = f"{why}; sent back {record.sent_back} times already"
            site.ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, **facts)
            return
        site.ledger.move(record, TaskState.RETRY_QUEUED, reason=why, **facts)

    async def _shown(self, lift: _Lift) -> tuple[tuple[str, ...], str]:
        """The conflict as agents know it: theirs is what it stands on, and its own is "yours"."""
        git = self._site.git
        merged = await git.candidates.merge(lift.ground.commit, lift.start)
        if not isinstance(merged, Conflict):  # git takes the sides for different, if ever
            return (), ""
        return merged.paths, await git.conflicts.hunks(merged, HUNK_BYTES)

    def _ask(self, record: TaskRecord, reason: str) -> None:
        """Only a person can go on; sent on, it is brought up and verified, without a session."""
        errors = record.verify_errors + 1
        self._site.ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, verify_errors=errors)

"""The worktree a session works in: new from its ground, or as the last one left it, brought up.

The ground is the target's tip, for a stacked task with what it needs merged in. What a session
finds merged into its worktree is on record as its base, and told, before it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.grounds import Clash
from orchestrator.git.refs import branch_ref, stray_ref
from orchestrator.jobs.recovery import collect_leftovers
from orchestrator.jobs.red_proof import RedProof
from orchestrator.jobs.session_place import is_abroad
from orchestrator.jobs.stacks import ground_feedback, ground_of
from orchestrator.scheduling.footing import Footing, footing

if TYPE_CHECKING:
    from orchestrator.git.command import WorkTree
    from orchestrator.jobs.stacks import Footed
    from orchestrator.plan.model import Plan, Task
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


class SessionTrees:
    """Opens the worktrees of one engine's tasks for their sessions."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._red_proof = RedProof(site)

    async def open(
        self, plan: Plan, task: Task, record: TaskRecord
    ) -> tuple[WorkTree, TaskRecord] | Clash:
        """The task's worktree, and its record with the base it has now.

        What the last session left is brought home and committed first, where an import failed or
        it was stopped: merging anything in would leave that behind, or be refused.
        """
        site, ledger = self._site, self._site.ledger
        target = await site.git.refs.resolve(branch_ref(plan.target))
        if target is None:
            raise GitError(f"the target branch {plan.target!r} is gone; make it again")
        ground = await ground_of(site, task, record, target)
        if isinstance(ground, Clash):
            return ground
        is_behind = record.sync_target or self._has_moved(plan, record)
        if is_behind:
            record = await self._red_proof.still_standing(record, ground.commit)
        tree, record = await self._open(record, ground)
        if is_abroad(site, record, tree):
            left = await collect_leftovers(site, record)
            await site.git.refs.hold(stray_ref(record.plan, record.id, left), left)
        if is_behind and record.base != ground.commit:
            head = await collect_leftovers(site, record)
            told = await self._sync(plan, record, tree, ground.commit, head)
            crash_point("session.synced")
            record = ledger.amend(
                record, base=ground.commit, stacked_on=ground.words, feedback=told
            )
        return tree, ledger.amend(record, sync_target=False)

    def _has_moved(self, plan: Plan, record: TaskRecord) -> bool:
        """Whether it stands on what is another by now."""
        tasks = self._site.records.book.snapshot(record.plan).tasks
        return footing(plan, record, tasks) is Footing.MOVED

    async def _open(self, record: TaskRecord, ground: Footed) -> tuple[WorkTree, TaskRecord]:
        git, ledger = self._site.git, self._site.ledger
        if record.base and await git.refs.resolve(branch_ref(record.branch)) is not None:
            return await git.worktrees.reopen(record.plan, record.id), record
        # The base last: with it on record a branch counts as the task's own, and one of that
        # name may be there that is not.
        record = ledger.amend(record, base="", head="", stacked_on="", sync_target=False)
        if record.sessions > 1:
            await git.resolutions.forget(record.plan, record.id)
        tree = await git.worktrees.create(record.plan, record.id, ground.commit)
        crash_point("session.opened")
        return tree, ledger.amend(record, base=ground.commit, stacked_on=ground.words)

    async def _sync(
        self, plan: Plan, record: TaskRecord, tree: WorkTree, ground: str, head: str
    ) -> str:
        """Merge the ground into the branch; conflicts are left for the agent, who is told so."""
        git = self._site.git
        if await git.history.is_ancestor(ground, head):
            return record.feedback
        message = f"Merge {plan.target} into {record.branch}"
        synced = await git.conflicts.sync(tree, ground, message)
        if synced.disputed:
            await git.resolutions.expect(record.plan, record.id, synced.disputed)
        return ground_feedback(record.feedback, synced.conflicts, synced.reused)

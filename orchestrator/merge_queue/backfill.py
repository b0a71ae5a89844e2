"""Verifying by itself what landed below something verified, once slots are idle.

In tip mode a commit may land that was proven only together with those on top of it. That is no
danger to the target, but whoever bisects wants to know. What is found moves nothing: the commit
has landed. It is put on record, and a commit that is red by itself is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.events import EventKind
from orchestrator.jobs.attestation import keep_evidence
from orchestrator.jobs.tampering import watched
from orchestrator.jobs.verification import keep_verification
from orchestrator.merge_queue.guards import Guards
from orchestrator.scheduling.footing import has_landed
from orchestrator.site import CANDIDATE

if TYPE_CHECKING:
    from orchestrator.records import TaskRecord
    from orchestrator.scheduling.decision import PlanSnapshot, TaskKey
    from orchestrator.site import Site


class Backfill:
    """Knows which landed tasks were not verified themselves, and verifies them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looked_at: set[TaskKey] = set()
        self._owed: set[TaskKey] = set()

    def owed(self, plan: PlanSnapshot) -> frozenset[TaskKey]:
        """The landed tasks of a plan that nobody has verified by themselves, or tried to."""
        landed = {(r.plan, r.id): r for r in plan.tasks.values() if has_landed(r)}
        for key in landed.keys() - self._looked_at:
            self._looked_at.add(key)  # what was verified before it landed, stays so
            if not self._is_proven(landed[key]):
                self._owed.add(key)
        return frozenset(self._owed & landed.keys())

    def _is_proven(self, record: TaskRecord) -> bool:
        if not record.intent or record.intent != record.merged_commit:
            return True  # it did not land by us
        last = self._site.records.store.last_verification(record.plan, record.id, CANDIDATE)
        return last is not None and last.commit == record.merged_commit

    async def run(self, plan: str, task: str) -> None:
        """Verify one of them as it stands on the target."""
        self._owed.discard((plan, task))
        site, snapshot = self._site, self._site.records.book.snapshot(plan)
        record = snapshot.tasks[task]
        tree = await site.git.objects.tree_of(record.merged_commit)
        held_to = Guards([snapshot], site.records.baseline)
        later = await self._landed_later(snapshot, record)
        (guard,) = held_to.of({plan}, held_to.criteria((plan, task)), later)
        async with watched(site, plan, task, "verification of what landed"):
            request = site.request(snapshot, guard.checks, record.merged_commit, tree, record)
            verification = await site.verifier.verify(request)
        commit = record.merged_commit
        keep_verification(
            site, snapshot.plan, record, verification, purpose=CANDIDATE, commit=commit
        )
        if verification.passed:
            await keep_evidence(site, [record])
        elif any(result.is_red for result in verification.results):
            message = (
                f"{commit[:9]}, with which it landed, is red by itself; what landed on top of it "
                "is proven, but bisecting will meet it"
            )
            site.ledger.tell(EventKind.WARNING, message, plan=plan, task=task)

    async def _landed_later(self, plan: PlanSnapshot, below: TaskRecord) -> frozenset[TaskKey]:
        """The tasks whose work ``below`` did not hold as it landed: it was held to none of theirs."""
        landed = [record for record in plan.tasks.values() if has_landed(record)]
        commits = {record.merged_commit for record in landed}
        later = await self._site.git.history.outside(commits, below.merged_commit)
        return frozenset((r.plan, r.id) for r in landed if r.merged_commit in later)

"""The job of landing one task, and what its outcome does to the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator import merge_queue
from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.feedback import conflict_feedback, red_merge_feedback
from orchestrator.git.refs import branch_ref
from orchestrator.merge_queue import Conflicted, Held, Hooks, Inconclusive, Landed, Order, Red
from orchestrator.recovery import finish_landing
from orchestrator.site import CANDIDATE
from orchestrator.states import TaskState
from orchestrator.survey import survey_conflicts
from orchestrator.tampering import watched
from orchestrator.verification_job import keep_verification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.decision import PlanSnapshot
    from orchestrator.git.candidates import Candidate
    from orchestrator.merge_queue import Landing
    from orchestrator.records import TaskRecord
    from orchestrator.results import Verification
    from orchestrator.site import Site

HELD_SECONDS = 5.0
"""How often a held landing looks again by itself."""

INCONCLUSIVE_TRIES = 3
INCONCLUSIVE_SECONDS = 5.0


class LandingJob:
    """Lands tasks of one engine, one at a time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._queue = merge_queue.MergeQueue(site)

    async def run(self, plan: str, task: str) -> None:
        """Land the task, send it back to its agent, or say why it waits."""
        records = self._site.records
        snapshot = records.book.snapshot(plan)
        record = snapshot.tasks[task]
        order = Order(
            task=records.book.task(plan, task),
            record=record,
            target=snapshot.record.target,
            guards=tuple(self._guards(snapshot, task)),
            update_checkout=snapshot.record.update_checkout or records.settings.update_checkout,
            date=int(record.verified_at),
        )
        if await finish_landing(self._site, record):
            return
        try:
            async with watched(self._site, plan, task, "landing"):
                outcome = await self._queue.land(order, self._hooks(plan, task))
        except (GitError, OSError):
            if not await finish_landing(self._site, self._site.ledger.task(plan, task)):
                raise
        else:
            await self._conclude(plan, task, outcome)

    async def is_free(self, record: TaskRecord) -> bool:
        """Whether what held a landing is gone: a checkout in the way, or the target as it was."""
        records = self._site.records
        plan = records.book.record(record.plan)
        leave = plan.update_checkout or records.settings.update_checkout
        hindrance = await self._queue.hindrance(plan.target, update_checkout=leave)
        target = await self._site.git.refs.resolve(branch_ref(plan.target))
        if target is None or await self._queue.set_back(record, plan.target, target):
            return False
        return hindrance != record.held and (bool(hindrance) or target != record.intent_base)

    def _hooks(self, plan: str, task: str) -> Hooks:
        """Put each step on record before the next is taken."""
        site = self._site

        def built(candidate: Candidate) -> None:
            self._intend(plan, task, candidate)
            site.records.activity.of(plan, task).begin_checks(())

        def verified(guard: PlanSnapshot, candidate: Candidate, result: Verification) -> None:
            keep_verification(
                site,
                guard.plan,
                site.records.store.task(plan, task),
                result,
                purpose=CANDIDATE,
                commit=candidate.commit,
            )

        return Hooks(built, verified)

    def _intend(self, plan: str, task: str, candidate: Candidate) -> None:
        """The candidate's id is stored before anything can move the target to it."""
        ledger = self._site.ledger
        record = ledger.task(plan, task)
        facts: dict[str, Any] = {
            "intent": candidate.commit,
            "intent_base": candidate.target,
            "held": "",
        }
        if record.state is TaskState.MERGING:
            ledger.amend(record, **facts)
        else:
            data = {"candidate": candidate.commit, "target": candidate.target}
            reason = f"candidate {candidate.commit[:9]} is being verified"
            ledger.move(record, TaskState.MERGING, reason=reason, data=data, **facts)

    def _guards(
        self, snapshot: PlanSnapshot, task: str
    ) -> Iterator[tuple[PlanSnapshot, tuple[str, ...]]]:
        """This plan's guards, then those of every other plan under way on the same target."""
        records = self._site.records
        mine = merge_queue.guards_of(
            snapshot,
            records.book.task(snapshot.plan.name, task),
            baseline=records.baseline(snapshot.plan.name),
        )
        yield snapshot, mine
        for name in records.book.names():
            other = records.book.snapshot(name)
            same_target = other.record.target == snapshot.record.target
            if name == snapshot.plan.name or not same_target or other.record.settled_at:
                continue
            checks = merge_queue.guards_of(other, None, baseline=records.baseline(name))
            if checks:
                yield other, checks

    async def _conclude(self, plan: str, task: str, outcome: Landing) -> None:
        record = self._site.ledger.task(plan, task)
        match outcome:
            case Landed():
                await self._landed(record, outcome)
            case Conflicted(target, paths, hunks):
                why = f"conflicts with {self._site.target(plan)} in {', '.join(paths[:3])}"
                self._send_back(record, why, conflict_feedback(target, paths, hunks))
            case Red(target, verification):
                names = ", ".join(r.check for r in verification.failed_checks() if not r.skipped)
                self._send_back(
                    record,
                    f"passes alone, fails merged: {names}",
                    red_merge_feedback(target, self._digest(record)),
                )
            case Inconclusive(reason):
                self._inconclusive(record, reason)
            case Held(reason):
                await self._hold(record, reason)

    def _digest(self, record: TaskRecord) -> str:
        """The red candidate's digest as kept; made again it would tell its own failures as old."""
        kept = self._site.records.store.last_verification(record.plan, record.id, CANDIDATE)
        return kept.digest if kept is not None else ""

    async def _landed(self, record: TaskRecord, landed: Landed) -> None:
        ledger, site = self._site.ledger, self._site
        if record.state is TaskState.VERIFIED:  # somebody had merged it by hand
            record = ledger.move(record, TaskState.MERGING, reason="it is on the target already")
        record = ledger.land(record, landed.commit, landed.base, "; ".join(landed.notes))
        crash_point("landing.recorded")
        await self.tidy(record)
        crash_point("worktree.removed")
        site.records.activity.of(record.plan, record.id).line = ""

    async def tidy(self, record: TaskRecord) -> None:
        """Remove what a landed task needs no more; its branch and keep refs stay."""
        git = self._site.git
        try:
            await git.worktrees.remove(record.plan, record.id)
            await self._site.enclosures.drop(f"{record.plan}/{record.id}")
        except GitError as error:
            message = f"its worktree could not be removed: {error}"
            self._site.ledger.tell(EventKind.WARNING, message, plan=record.plan, task=record.id)

    def _send_back(self, record: TaskRecord, why: str, feedback: str) -> None:
        """To the agent, with the target merged into its worktree; bounded, then the person."""
        budget = self._site.records.book.plan(record.plan)
        attempts = budget.budget_of(self._site.records.book.task(record.plan, record.id)).attempts
        facts: dict[str, Any] = {
            "merge_requested": False,
            "verified_head": "",
            "intent": "",
            "sent_back": record.sent_back + 1,
            "attempts_extra": record.attempts_extra + 1,
            "held": "",
            "feedback": feedback,
            "sync_target": True,
        }
        if record.sent_back >= attempts:
            reason = f"{why}; sent back {record.sent_back} times already"
            self._site.ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, **facts)
            return
        self._site.ledger.move(record, TaskState.RETRY_QUEUED, reason=why, **facts)

    def _inconclusive(self, record: TaskRecord, reason: str) -> None:
        tries = record.verify_errors + 1
        if tries >= INCONCLUSIVE_TRIES:
            self._site.ledger.move(
                record,
                TaskState.NEEDS_INPUT,
                reason=f"the merged result could not be verified {tries} times: {reason}",
                verify_errors=tries,
                merge_requested=False,
            )
            return
        self._site.ledger.move(
            record,
            TaskState.VERIFIED,
            reason=f"the merged result could not be verified, trying again: {reason}",
            verify_errors=tries,
            retry_at=self._site.ledger.clock() + INCONCLUSIVE_SECONDS,
        )

    async def _hold(self, record: TaskRecord, reason: str) -> None:
        """Wait for a person; said once, looked at again now and then."""
        ledger = self._site.ledger
        if record.state is TaskState.MERGING:
            record = ledger.move(record, TaskState.VERIFIED, reason=reason)
        if record.held != reason:
            ledger.tell(
                EventKind.WARNING, f"landing waits: {reason}", plan=record.plan, task=record.id
            )
        ledger.amend(record, held=reason, retry_at=ledger.clock() + HELD_SECONDS)
        live = self._site.records.activity.of(record.plan, record.id)
        if live.survey is not None and live.survey.conflicts is None:
            target = await self._site.git.refs.resolve(
                f"refs/heads/{self._site.target(record.plan)}"
            )
            if target is not None:
                live.survey = await survey_conflicts(self._site.git.candidates, live.survey, target)

"""What a landing, or its failing, does to its task: every move of a task that is in line to land.

A failure that is the task's own sends it back to its agent, bounded, and then to a person; what
nobody is to blame for is tried again; what only a person can mend waits, and says so once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.feedback import conflict_feedback, red_merge_feedback
from orchestrator.git.refs import branch_ref
from orchestrator.jobs.second_look import recall_checks
from orchestrator.jobs.survey import survey_conflicts
from orchestrator.merge_queue.landing_outcomes import Conflicted, Held, Inconclusive, Landed, Red
from orchestrator.scheduling.activity import QUEUEING
from orchestrator.site import CANDIDATE
from orchestrator.states import MergeMode, TaskState

if TYPE_CHECKING:
    from orchestrator.git.candidates import Candidate
    from orchestrator.merge_queue.landing_outcomes import Outcome
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site

HELD_SECONDS = 5.0
"""How often a held landing looks again by itself."""

INCONCLUSIVE_TRIES = 3
INCONCLUSIVE_SECONDS = 5.0


class Consequences:
    """Moves the tasks that are in line to land."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def intend(self, record: TaskRecord, candidate: Candidate) -> None:
        """Put the candidate's id on record before anything can move the target to it."""
        ledger = self._site.ledger
        facts: dict[str, Any] = {
            "intent": candidate.commit,
            "intent_base": candidate.target,
            "held": "",
        }
        if record.state is TaskState.MERGED:
            ledger.amend(record, revert_intent=candidate.commit, held="")
        elif record.state is TaskState.MERGING:
            ledger.amend(record, **facts)
        else:
            data: dict[str, Any] = {"candidate": candidate.commit, "target": candidate.target}
            if record.merge_requested or self._lands_by_itself(record):
                data["spent_on"] = QUEUEING
            if record.merge_requested:  # until then it waited for somebody to order that
                data["waited"] = max(0.0, record.ordered_at - record.changed_at)
            reason = f"candidate {candidate.commit[:9]} is being verified"
            ledger.move(record, TaskState.MERGING, reason=reason, data=data, **facts)

    def stand_back(self, record: TaskRecord, reason: str) -> None:
        """Proven still, and no candidate of it is in hand any more."""
        if record.state is TaskState.MERGING:
            self._site.ledger.move(record, TaskState.VERIFIED, reason=reason)

    async def conclude(self, record: TaskRecord, outcome: Outcome) -> None:
        """What ``outcome`` means for the task as it is now."""
        match outcome:
            case Landed():
                self.landed(record, outcome)
            case Held(reason):
                await self.hold(record, reason)
            case Inconclusive(reason):
                self._inconclusive(record, reason)
            case Conflicted(_, paths, _) if record.state is TaskState.MERGED:
                told = f"taking it back conflicts with what came since, in {', '.join(paths[:3])}"
                self._unrevertible(record, told)
            case Red(_, verification) if record.state is TaskState.MERGED:
                names = ", ".join(r.check for r in verification.failed_checks() if r.is_red)
                self._unrevertible(record, f"without it {names} fails")
            case Conflicted(target, paths, hunks):
                why = f"conflicts with {self._site.target(record.plan)} in {', '.join(paths[:3])}"
                self._send_back(record, why, conflict_feedback(target, paths, hunks))
            case Red(target, verification):
                names = ", ".join(r.check for r in verification.failed_checks() if not r.skipped)
                told = red_merge_feedback(target, self._digest(record))
                self._send_back(record, f"passes alone, fails merged: {names}", told)

    def landed(self, record: TaskRecord, landed: Landed) -> None:
        """The target holds it, or is rid of it."""
        ledger = self._site.ledger
        if record.state is TaskState.MERGED:
            self._reverted(record, landed)
            return
        if record.state is TaskState.VERIFIED:  # somebody had merged it by hand
            record = ledger.move(record, TaskState.MERGING, reason="it is on the target already")
        ledger.land(record, landed.commit, landed.base, "; ".join(landed.notes))
        crash_point("landing.recorded")
        self._site.records.activity.of(record.plan, record.id).line = ""
        self._put_off_checks(record)

    async def tidy(self, record: TaskRecord) -> None:
        """Remove what a landed task needs no more; its branch and keep refs stay."""
        git = self._site.git
        try:
            await git.worktrees.remove(record.plan, record.id)
            await self._site.enclosures.drop(f"{record.plan}/{record.id}")
        except GitError as error:
            message = f"its worktree could not be removed: {error}"
            self._site.ledger.tell(EventKind.WARNING, message, plan=record.plan, task=record.id)
        crash_point("worktree.removed")

    async def hold(self, record: TaskRecord, reason: str) -> None:
        """Wait for a person; said once, looked at again now and then."""
        ledger = self._site.ledger
        if record.state is TaskState.MERGING:
            record = ledger.move(record, TaskState.VERIFIED, reason=reason)
        if record.held != reason:
            message = f"landing waits: {reason}"
            ledger.tell(EventKind.WARNING, message, plan=record.plan, task=record.id)
        ledger.amend(record, held=reason, retry_at=ledger.clock() + HELD_SECONDS)
        self._put_off_checks(record)
        live = self._site.records.activity.of(record.plan, record.id)
        if live.survey is not None and live.survey.conflicts is None:
            target = await self._site.git.refs.resolve(branch_ref(self._site.target(record.plan)))
            if target is not None:
                live.survey = await survey_conflicts(self._site.git.candidates, live.survey, target)

    def _put_off_checks(self, record: TaskRecord) -> None:
        """A verification that nobody waits for any more is stopped, and ends without a word."""
        if self._site.records.activity.of(record.plan, record.id).running_checks:
            recall_checks(self._site.records, record)

    def _lands_by_itself(self, record: TaskRecord) -> bool:
        return self._site.records.book.record(record.plan).merge == MergeMode.AUTO

    def _digest(self, record: TaskRecord) -> str:
        """The red candidate's digest as kept; made again it would tell its own failures as old."""
        kept = self._site.records.store.last_verification(record.plan, record.id, CANDIDATE)
        return kept.digest if kept is not None else ""

    def _send_back(self, record: TaskRecord, why: str, feedback: str) -> None:
        """To the agent, with the target merged into its worktree; bounded, then the person."""
        book, ledger = self._site.records.book, self._site.ledger
        attempts = book.plan(record.plan).budget_of(book.task(record.plan, record.id)).attempts
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
            ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, **facts)
            return
        ledger.move(record, TaskState.RETRY_QUEUED, reason=why, **facts)

    def _inconclusive(self, record: TaskRecord, reason: str) -> None:
        ledger, tries = self._site.ledger, record.verify_errors + 1
        again = ledger.clock() + INCONCLUSIVE_SECONDS
        if record.state is not TaskState.MERGING:
            ledger.amend(record, held=f"could not be judged: {reason}", retry_at=again)
        elif tries >= INCONCLUSIVE_TRIES:
            ledger.move(
                record,
                TaskState.NEEDS_INPUT,
                reason=f"the merged result could not be verified {tries} times: {reason}",
                verify_errors=tries,
                merge_requested=False,
            )
        else:
            ledger.move(
                record,
                TaskState.VERIFIED,
                reason=f"the merged result could not be verified, trying again: {reason}",
                verify_errors=tries,
                retry_at=again,
            )

    def _reverted(self, record: TaskRecord, landed: Landed) -> None:
        """It is off the target; whoever needs it is told."""
        ledger = self._site.ledger
        notes = "; ".join((f"taken back with {landed.commit[:9]}", *landed.notes))
        ledger.take_back(record, landed.commit, notes)
        plan = self._site.records.book.plan(record.plan)
        for task in plan.tasks:
            if record.id in task.after:
                told = f"{record.id!r}, which it needs, was taken back"
                ledger.tell(EventKind.WARNING, told, plan=record.plan, task=task.id)

    def _unrevertible(self, record: TaskRecord, why: str) -> None:
        """A person asked for it and must decide: there is no agent to send it to."""
        ledger = self._site.ledger
        reason = f"not taken back: {why}"
        ledger.amend(record, revert_requested=False, revert_intent="", held="", reason=reason)
        ledger.tell(EventKind.WARNING, reason, plan=record.plan, task=record.id)

"""What people order: approve, merge, retry, cancel, answer, pause, and what comes first.

Each order says what it applied to and what it refused, with the reason; a refused order changes
nothing. An order wakes a plan that had settled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.api.models import ActionView, Refusal
from orchestrator.events import EventKind
from orchestrator.feedback import answer_feedback, note_feedback
from orchestrator.jobs import attempts
from orchestrator.jobs.tampering import case_of
from orchestrator.readiness import readiness, waits_for_approval
from orchestrator.scheduling.footing import standing_on, unmerged_dependencies
from orchestrator.site import BRANCH, RED
from orchestrator.states import SETTLED, Outcome, TaskState
from orchestrator.tests_first.rules import awaits_approval
from orchestrator.verification_records import verification_from

if TYPE_CHECKING:
    from orchestrator.api.models import TaskSelection
    from orchestrator.readiness import Gate
    from orchestrator.records import TaskRecord
    from orchestrator.scheduling.scheduler import Scheduler
    from orchestrator.site import Site

_RETRIABLE = frozenset(
    {
        TaskState.FAILED,
        TaskState.CANCELLED,
        TaskState.NEEDS_INPUT,
        TaskState.VERIFIED,
        TaskState.RETRY_QUEUED,
    }
)

_RANKS = 1_000
"""As far from its plan's own order a person may move a task."""

TESTS_SENT_BACK = (
    "Your tests were seen to fail, as they should, and the architect sends them back without "
    "saying why. Compare them with the task once more, and mend what falls short."
)


class Orders:
    """Carries out orders on the tasks of one engine."""

    def __init__(self, site: Site, scheduler: Scheduler) -> None:
        self._site = site
        self._scheduler = scheduler

    def merge(self, plan: str, selection: TaskSelection) -> ActionView:
        """Order the landing of tasks; a conflict or a red result will send one back."""
        book = self._site.records.book
        records = book.snapshot(plan).tasks
        names = tuple(records) if selection.all else selection.tasks
        done, refused = [], []
        for name in names:
            record = book.task_record(plan, name)
            closed = self._unlandable(record)
            if closed is None:
                done.append(name)
            elif not selection.all:
                refused.append(Refusal(task=name, reason=closed))
        for name in done:
            facts = {
                "merge_requested": True,
                "ordered_at": self._site.ledger.clock(),
                "held": "",
                "retry_at": 0.0,
            }
            self._note(self._site.ledger.amend(records[name], **facts), "ordered to land")
        if done:
            leave = {"update_checkout": True} if selection.update_checkout else {}
            self._reopen(plan, **leave)
        return ActionView(done=tuple(done), refused=tuple(refused))

    def approve(self, plan: str, task: str) -> ActionView:
        """Approve a task as it is now; a later head needs a new approval."""
        record = self._record(plan, task)
        if self._asks_approval(record):
            return self._approve_tests(record)
        if record.state is not TaskState.VERIFIED:
            return _refuse(task, f"it is {_shown(record)}; only what is verified can be approved")
        self._note(self._site.ledger.amend(record, approved_head=record.head), "approved")
        self._site.git.tripwire.accept(case_of(plan, task))
        self._reopen(plan)
        return ActionView(done=(task,))

    def _approve_tests(self, record: TaskRecord) -> ActionView:
        """Approve tests that were seen red, or work that changes how they are run."""
        if record.tests_approved != record.tests_head and self._are_unapproved(record):
            has_work = record.head != record.tests_head
            back = TaskState.VERIFYING if has_work else TaskState.RETRY_QUEUED
            self._move(record, back, "its tests are approved", tests_approved=record.tests_head)
        else:
            reason = "approved with the change of how tests are run"
            self._move(record, TaskState.VERIFYING, reason, approved_head=record.head)
        self._reopen(record.plan)
        return ActionView(done=(record.id,))

    def retry(self, plan: str, task: str, note: str) -> ActionView:
        """Send a task back to its agent with a fresh budget, and revive what it had settled."""
        record = self._record(plan, task)
        if record.state not in _RETRIABLE or self._scheduler.has_job(plan, task):
            return _refuse(task, f"it is {_shown(record)}; cancel it first, or wait")
        if record.settled_by:
            return _refuse(task, f"it was settled by {record.settled_by!r}; retry that one")
        facts: dict[str, Any] = {
            **_fresh_budget(record),
            "note": note,
            "retry_at": 0.0,
            "held": "",
            "sync_target": bool(record.head),  # what was mended on the target counts, too
            "stacked_on": record.stacked_on if record.base else "",  # ground that conflicted
        }
        if note:
            facts["feedback"] = note_feedback(note, record.feedback)
        back = _way_back(record, note, refused=self._refused_head(record))
        if self._are_unapproved(record):
            back = TaskState.RETRY_QUEUED
            facts |= {"tests_head": "", "tests_red_at": 0.0, "session_id": ""}
            facts.setdefault("feedback", TESTS_SENT_BACK)
        if record.state is TaskState.RETRY_QUEUED:
            self._note(self._site.ledger.amend(record, **facts), "retried")
        else:
            self._move(record, back, "a person sent it back", merge_requested=False, **facts)
        self._site.git.tripwire.accept(case_of(plan, task))
        self._revive(plan, task)
        if self._site.records.has_errored_baseline(plan):
            self._site.records.expire_baseline(plan)
        self._reopen(plan)
        return ActionView(done=(task,))

    async def cancel(self, plan: str, task: str) -> ActionView:
        """Stop whatever is in hand for a task; its branch and worktree stay."""
        record = self._record(plan, task)
        if record.state in SETTLED:
            return _refuse(task, f"it is {_shown(record)} already")
        await self._scheduler.stop_job(plan, task)
        record = self._record(plan, task)
        if record.state in SETTLED:
            return _refuse(task, f"it is {_shown(record)} by now")
        self._cancelled(record)
        self._reopen(plan)
        return ActionView(done=(task,))

    def answer(self, plan: str, task: str, text: str) -> ActionView:
        """Answer what the task's agent asked; its session goes on with it."""
        record = self._record(plan, task)
        sessions = self._site.records.store.attempts(plan, task)
        asked = sessions and sessions[-1].outcome is Outcome.ASKED
        if record.state is not TaskState.NEEDS_INPUT or not asked:
            return _refuse(task, f"it is {_shown(record)} and asks nothing")
        feedback = answer_feedback(record.reason, text)
        self._move(record, TaskState.RETRY_QUEUED, "answered", feedback=feedback, retry_at=0.0)
        self._reopen(plan)
        return ActionView(done=(task,))

    def pause(self, plan: str, task: str | None, *, paused: bool) -> ActionView:
        """Start no further session of a task or a plan, or do so again."""
        if task is not None:
            record = self._record(plan, task)
            word = "paused" if paused else "resumed"
            self._note(self._site.ledger.amend(record, paused=paused), word)
            self._reopen(plan)
            return ActionView(done=(task,))
        self._site.records.book.record(plan)
        kind = EventKind.PLAN_PAUSED if paused else EventKind.PLAN_RESUMED
        self._site.ledger.change_plan(plan, kind, paused=paused, settled_at=0.0)
        self._scheduler.wake()
        return ActionView(done=(plan,))

    def rank(self, plan: str, task: str, by: int) -> ActionView:
        """Have a task come sooner (or, below 0, later), for a session as for landing."""
        record = self._record(plan, task)
        if record.state in SETTLED:
            return _refuse(task, f"it is {_shown(record)}; its turn has come and gone")
        rank = max(-_RANKS, min(_RANKS, record.rank + by))
        self._note(self._site.ledger.amend(record, rank=rank), f"rank {rank:+d}")
        self._reopen(plan)
        return ActionView(done=(task,))

    def withdraw(self, plan: str, task: str, *, withdrawn: bool) -> ActionView:
        """Take a task out of the line to land, or let it back in."""
        record = self._record(plan, task)
        if record.state in SETTLED:
            return _refuse(task, f"it is {_shown(record)}; nothing of it waits to land")
        word = "taken out of the queue" if withdrawn else "let back into the queue"
        self._note(self._site.ledger.amend(record, withdrawn=withdrawn), word)
        self._reopen(plan)
        return ActionView(done=(task,))

    def _record(self, plan: str, task: str) -> TaskRecord:
        return self._site.records.book.task_record(plan, task)

    def _are_unapproved(self, record: TaskRecord) -> bool:
        """Whether its tests wait for a person's word, so that a retry sends them back."""
        task = self._site.records.book.task(record.plan, record.id)
        return record.state is TaskState.NEEDS_INPUT and awaits_approval(task, record)

    def _asks_approval(self, record: TaskRecord) -> bool:
        task = self._site.records.book.task(record.plan, record.id)
        survey = self._site.records.activity.of(record.plan, record.id).survey
        return waits_for_approval(task, record, survey)

    def _unlandable(self, record: TaskRecord) -> str | None:
        """Why an order to land makes no sense now; None when it does."""
        if record.state is not TaskState.VERIFIED:
            return f"it is {_shown(record)}; only what is verified can land"
        gate = self._closed_gate(record)
        return None if gate is None else f"{gate.name}: {gate.reason}"

    def _closed_gate(self, record: TaskRecord) -> Gate | None:
        book = self._site.records.book
        task = book.task(record.plan, record.id)
        survey = self._site.records.activity.of(record.plan, record.id).survey
        tasks = book.snapshot(record.plan).tasks
        return readiness(
            task,
            record,
            survey,
            unmerged=unmerged_dependencies(task, tasks),
            stands_on=standing_on(book.plan(record.plan), record, tasks),
        ).first_obstacle

    def _cancelled(self, record: TaskRecord) -> None:
        open_one = attempts.in_hand(self._site.records.store.attempts(record.plan, record.id))
        reason = "a person cancelled it"
        closed = open_one and attempts.closed(
            open_one, Outcome.CANCELLED, reason, now=self._site.ledger.clock()
        )
        self._move(record, TaskState.CANCELLED, reason, closed=closed, merge_requested=False)
        self._site.records.activity.of(record.plan, record.id).end_session()

    def _refused_head(self, record: TaskRecord) -> str:
        """The commit that the newest verification of the branch did not let pass.

        While its tests are not seen red, the newest look for that.
        """
        task = self._site.records.book.task(record.plan, record.id)
        store, seeks_red = self._site.records.store, task.tests_first and not record.tests_head
        survey = self._site.records.activity.of(record.plan, record.id).survey
        if survey is not None and survey.head == record.head and survey.restored:
            return record.head
        last = store.last_verification(record.plan, record.id, RED if seeks_red else BRANCH)
        refused = last and (seeks_red or not verification_from(last).passed)
        return last.commit if last and refused else ""

    def _revive(self, plan: str, task: str) -> None:
        """Bring back what was settled because of ``task``, down the graph."""
        lost = [
            record
            for record in self._site.records.store.tasks(plan)
            if record.settled_by and record.state is TaskState.CANCELLED
        ]
        causes = {task}
        while found := [record for record in lost if record.settled_by in causes]:
            for record in found:
                self._move(record, _way_back_from_settled(record), "", settled_by="")
            causes = {record.id for record in found}
            lost = [record for record in lost if record not in found]

    def _move(self, record: TaskRecord, state: TaskState, reason: str, **facts: Any) -> None:
        self._site.ledger.move(record, state, reason=reason, **facts)

    def _note(self, record: TaskRecord, message: str) -> None:
        self._site.ledger.tell(EventKind.TASK_NOTED, message, plan=record.plan, task=record.id)

    def _reopen(self, plan: str, **facts: Any) -> None:
        """A settled plan is looked at again."""
        record = self._site.records.book.record(plan)
        if record.settled_at or facts:
            self._site.ledger.change_plan(plan, EventKind.PLAN_RESUMED, settled_at=0.0, **facts)
        self._scheduler.wake()


def _way_back(record: TaskRecord, note: str, *, refused: str) -> TaskState:
    """Where a retried task goes.

    What a verification refused, or could not judge, is verified again first: the check or the
    machine may have been mended, and a session costs more. A note asks for a session.
    """
    if record.state in SETTLED and not record.sessions:
        return TaskState.PENDING
    stuck = record.state in {TaskState.NEEDS_INPUT, TaskState.FAILED}
    if stuck and not note and (record.verify_errors or (record.head and refused == record.head)):
        return TaskState.VERIFYING
    return TaskState.RETRY_QUEUED


def _way_back_from_settled(record: TaskRecord) -> TaskState:
    """Where a task goes on whose dependency is taken up again; what was proven needs no session."""
    was_proven = bool(record.head) and record.head == record.verified_head
    return TaskState.VERIFYING if was_proven else TaskState.PENDING


def _fresh_budget(record: TaskRecord) -> dict[str, Any]:
    """What was used up so far is no longer counted against the budget."""
    return {
        "attempts_extra": record.attempts_used,
        "sent_back": 0,
        "queued_at": 0.0,
        "verify_errors": 0,
        "granted_tokens": record.usage.tokens,
        "granted_cost": record.usage.cost_usd,
    }


def _refuse(task: str, reason: str) -> ActionView:
    return ActionView(refused=(Refusal(task=task, reason=reason),))


def _shown(record: TaskRecord) -> str:
    return record.state.replace("_", " ")

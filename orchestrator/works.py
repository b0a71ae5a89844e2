"""The works of one engine: what the scheduler's actions mean, job by job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.events import EventKind
from orchestrator.handover.job import HandoverJob
from orchestrator.jobs import attempts
from orchestrator.jobs.red_proof import RedProof
from orchestrator.jobs.restored_check import RestoredCheck
from orchestrator.jobs.session import SessionJob
from orchestrator.jobs.stack import StackJob
from orchestrator.jobs.survey import survey_conflicts
from orchestrator.jobs.target_ground import TargetGround, leave_of
from orchestrator.jobs.verification import VerificationJob
from orchestrator.merge_queue.backfill import Backfill
from orchestrator.merge_queue.consequences import Consequences
from orchestrator.merge_queue.queue import MergeQueue
from orchestrator.scheduling.actions import Action, Settle, StartSession
from orchestrator.scheduling.decision import Snapshot, TaskKey, line_of
from orchestrator.scheduling.footing import has_landed
from orchestrator.states import TRANSITIONS, MergeMode, Outcome, TaskState

if TYPE_CHECKING:
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


class Works:
    """Wires the jobs to the scheduler."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sessions = SessionJob(site)
        self._verifications = VerificationJob(site)
        self._consequences = Consequences(site)
        self._backfill = Backfill(site)
        self.backfill = self._backfill.run
        self._queues: dict[str, MergeQueue] = {}
        self._red_proof = RedProof(site)
        self._restored = RestoredCheck(site)
        self._stacks = StackJob(site)
        self.run_session = self._sessions.run
        self.hand_over = HandoverJob(site, self._consequences).run
        self.verify_baseline = self._verifications.verify_baseline
        self.bring_up = self._stacks.bring_up

    async def land(self, target: str) -> None:
        """Work off what is in line for a target; what its queue knows is kept for the next time."""
        if target not in self._queues:
            self._queues[target] = MergeQueue(
                self._site, target, self._consequences, self.snapshot, self.broke_down
            )
        await self._queues[target].run()

    async def out_of_landing(self, plan: str, task: str) -> None:
        """Once no landing is at a point at which its tasks must not be moved."""
        del task
        queue = self._queues.get(self._site.target(plan))
        if queue is not None:
            async with queue.landing:
                return

    def stir(self) -> None:
        for queue in self._queues.values():
            queue.stir()

    async def verify_branch(self, plan: str, task: str) -> None:
        """Its tests first, where they must be seen red; then its work, if there is any.

        What changes files that no session may is looked at without that, and goes back.
        """
        if (
            await self._restored.of_tests(plan, task)
            and await self._red_proof.of_branch(plan, task)
            and await self._restored.of_branch(plan, task)
        ):
            await self._verifications.verify_branch(plan, task)

    def snapshot(
        self,
        *,
        busy: frozenset[TaskKey] = frozenset(),
        baselining: frozenset[str] = frozenset(),
        landing: frozenset[str] = frozenset(),
        free: int = 0,
    ) -> Snapshot:
        """Plans that have settled are left out: only an order brings them back."""
        records = self._site.records
        plans = tuple(
            records.book.snapshot(plan.name, baseline_known=records.has_baseline(plan.name))
            for plan in records.store.plans()
            if not plan.settled_at
        )
        return Snapshot(
            plans=plans,
            owed=frozenset().union(*map(self._backfill.owed, plans)),
            busy=busy,
            baselining=baselining,
            landing=landing,
            verify_slots=free,
            now=self._site.ledger.clock(),
        )

    def begin(self, action: Action) -> None:
        """A session's state is stored before anything of it starts."""
        if isinstance(action, StartSession):
            self._sessions.begin(action.plan, action.task)

    def settle(self, action: Settle) -> None:
        """Its branch and worktree stay; what was in hand for it has been stopped."""
        ledger, records = self._site.ledger, self._site.records
        open_one = attempts.in_hand(records.store.attempts(action.plan, action.task))
        ledger.move(
            ledger.task(action.plan, action.task),
            TaskState.CANCELLED,
            reason=action.reason,
            closed=open_one
            and attempts.closed(open_one, Outcome.CANCELLED, action.reason, now=ledger.clock()),
            settled_by=action.settled_by,
            merge_requested=False,
        )
        records.activity.of(action.plan, action.task).end_session()

    def broke_down(self, plan: str, task: str, reason: str) -> None:
        """Stop at a state from which a person can send the task on."""
        ledger = self._site.ledger
        if not plan:
            self._queue_broke_down(task, reason)
            return
        if not task:
            ledger.tell(EventKind.WARNING, f"the target could not be verified: {reason}", plan=plan)
            self._site.records.settle_baseline(plan)
            return
        record = ledger.task(plan, task)
        self._site.records.activity.of(plan, task).end_session()
        if TaskState.NEEDS_INPUT not in TRANSITIONS[record.state]:
            ledger.tell(EventKind.WARNING, reason, plan=plan, task=task)
            return
        open_one = attempts.in_hand(self._site.records.store.attempts(plan, task))
        closed = open_one and attempts.closed(
            open_one, Outcome.ABANDONED, reason, now=ledger.clock()
        )
        # Sent on, what was proven is verified again; a session would find nothing to do.
        was_verified = record.state in {
            TaskState.VERIFYING,
            TaskState.VERIFIED,
            TaskState.MERGING,
        }
        ledger.move(
            record,
            TaskState.NEEDS_INPUT,
            reason=reason,
            closed=closed,
            merge_requested=False,
            verify_errors=record.verify_errors + (1 if was_verified else 0),
        )

    def _queue_broke_down(self, target: str, reason: str) -> None:
        """One of those that were landing needs a person, so that it cannot happen for ever."""
        landing = [
            record
            for plan in self.snapshot().plans
            if plan.record.target == target
            for record in plan.tasks.values()
            if record.state is TaskState.MERGING
        ]
        line = [record for _, record in line_of(self.snapshot(), target)]
        for record in (landing or line)[:1]:
            if record.state is TaskState.MERGED:
                self._site.ledger.amend(record, revert_requested=False, reason=reason)
            else:
                self.broke_down(record.plan, record.id, reason)
        for record in landing[1:]:
            self._consequences.stand_back(record, reason)

    def quiet(self, plans: frozenset[str]) -> None:
        """A plan in which nothing moves has settled, until somebody orders something."""
        ledger = self._site.ledger
        for name in plans:
            tasks = self._site.records.book.snapshot(name).tasks
            merged = sum(map(has_landed, tasks.values()))
            reverted = sum(bool(task.reverted_commit) for task in tasks.values())
            told = f"{merged} of {len(tasks)} tasks merged"
            ledger.change_plan(
                name,
                EventKind.PLAN_SETTLED,
                f"{told}, {reverted} reverted" if reverted else told,
                settled_at=ledger.clock(),
            )

    async def free_held(self) -> None:
        """Wake settled plans in which something is held that need not be any more."""
        ledger, store = self._site.ledger, self._site.records.store
        for plan in store.plans():
            if not plan.settled_at:
                continue
            if plan.merge == MergeMode.PR:
                self._look_after_handed(plan.name)
            held = [task for task in store.tasks(plan.name) if task.held]
            free = [task for task in held if await self._is_free(task)]
            for task in free:
                ledger.amend(task, held="", retry_at=0.0)
            if free:
                message = f"landing goes on: {', '.join(task.id for task in free)}"
                ledger.change_plan(plan.name, EventKind.PLAN_RESUMED, message, settled_at=0.0)

    def _look_after_handed(self, plan: str) -> None:
        """Wake a settled plan of which a person may have merged over there what they were asked about."""
        ledger, now = self._site.ledger, self._site.ledger.clock()
        due = [
            task.id
            for task in self._site.records.store.tasks(plan)
            if task.state is TaskState.NEEDS_INPUT and task.pull_request and task.retry_at <= now
        ]
        if due:
            told = f"looking what became of the pull requests of {', '.join(due)}"
            ledger.change_plan(plan, EventKind.PLAN_RESUMED, told, settled_at=0.0)

    async def _is_free(self, record: TaskRecord) -> bool:
        """Whether what held a landing is gone: a checkout in the way, or the target as it was."""
        plan = self._site.records.book.record(record.plan)
        ground = TargetGround(self._site, plan.target)
        target = await ground.commit()
        if plan.merge == MergeMode.PR:  # what is in its way is elsewhere, or an old target here
            has_moved = record.intent_base not in {"", target}
            return has_moved or record.retry_at <= self._site.ledger.clock()
        if target is None or await ground.set_back(record, target):
            return False
        hindrance = await ground.hindrance(leave_of(self._site, (record.plan,)))
        return hindrance != record.held and (bool(hindrance) or target != record.intent_base)

    async def look_behind(self) -> None:
        """Look again at checkouts that stayed behind; most often there is none."""
        behind = self._site.records.activity.behind
        for target in [target for target, found in behind.items() if found]:
            names = self._site.records.book.names()
            plans = [name for name in names if self._site.target(name) == target]
            await TargetGround(self._site, target).look_behind(leave=leave_of(self._site, plans))

    async def survey_all(self) -> None:
        """Look again at what would conflict, for tasks that wait for a person to land them."""
        records = self._site.records
        for name in records.book.names():
            target = await self._site.git.refs.resolve(f"refs/heads/{self._site.target(name)}")
            if target is None:
                continue
            for task in records.store.tasks(name):
                live = records.activity.of(name, task.id)
                known = live.survey
                if known is None or known.conflicts is None or known.target == target:
                    continue
                if task.state is TaskState.VERIFIED:
                    live.survey = await survey_conflicts(self._site.git.candidates, known, target)

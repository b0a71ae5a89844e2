"""The job of one session: a worktree made ready, an agent run in it, its work brought home.

The task's state, its attempt and its prompt are on record before the agent starts; its commits
are on the task's branch and under a keep ref before anything is decided about them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from orchestrator import agents, feedback
from orchestrator.agents.protocol import Message, Prompt, Started, ToolCall, UsageReported
from orchestrator.crash_points import crash_point
from orchestrator.errors import SetupFailed
from orchestrator.events import EventKind
from orchestrator.git.grounds import Clash
from orchestrator.jobs import attempts
from orchestrator.jobs.recovery import keep_head
from orchestrator.jobs.red_proof import RedProof
from orchestrator.jobs.restoration import restorable
from orchestrator.jobs.routing import route
from orchestrator.jobs.session_place import open_place
from orchestrator.jobs.session_prompt import session_prompt
from orchestrator.jobs.session_tree import SessionTrees
from orchestrator.jobs.stacks import clash_sentence
from orchestrator.jobs.survey import survey_work
from orchestrator.jobs.tampering import watched
from orchestrator.safe_text import safe_text
from orchestrator.sessions.sandbox_hints import hints
from orchestrator.sessions.session import run_session
from orchestrator.site import BRANCH, RED
from orchestrator.states import Outcome, TaskState
from orchestrator.tests_first.rules import asked_of
from orchestrator.worktree_setup import set_up

if TYPE_CHECKING:
    from orchestrator.agents.protocol import Agent, AgentEvent
    from orchestrator.git.leftovers import Collected
    from orchestrator.jobs.session_place import SessionPlace
    from orchestrator.plan.model import Budget, Plan, Task
    from orchestrator.records import AttemptRecord, TaskRecord
    from orchestrator.results import SessionResult
    from orchestrator.sessions.doorkeeper import Admission
    from orchestrator.site import Site

SETUP_SECONDS = 1800.0
READY_MARK = "clerk-ready"
"""A file in a worktree's admin folder: its setup was done. Agents do not see it."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What one session works on."""

    plan: Plan
    task: Task
    attempt: AttemptRecord
    folder: str

    @property
    def budget(self) -> Budget:
        return self.plan.budget_of(self.task)

    @property
    def cookie(self) -> str:
        return f"{self.attempt.plan}.{self.attempt.task}.{self.attempt.number}"


NOTHING_LEFT = (
    "nothing of it is left to land: where it met the target it gave way, or the target has it "
    "already; cancel it, or send it back with a note"
)
"""An agent that settled a conflict so would be told in vain that it changed nothing."""


class SessionJob:
    """Runs sessions of one engine."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._red_proof = RedProof(site)
        self._trees = SessionTrees(site)

    def begin(self, plan: str, task: str) -> None:
        """Put the session on record before anything of it starts."""
        site = self._site
        record = site.ledger.task(plan, task)
        snapshot = site.records.book.snapshot(plan)
        agent, _ = snapshot.plan.agent_of(site.records.book.task(plan, task))
        number, now = record.sessions + 1, site.ledger.clock()
        folder = site.records.logs(plan, task, str(number))
        attempt = attempts.opened(
            plan,
            task,
            number,
            agent=agent,
            sandbox=snapshot.record.sandbox,
            folder=folder,
            now=now,
        )
        site.ledger.move(
            record,
            TaskState.RUNNING,
            reason=f"session {number} with {agent}",
            data={"agent": agent, "sandbox": snapshot.record.sandbox},
            opened=attempt,
            sessions=number,
            retry_at=0.0,
        )
        site.records.activity.of(plan, task).begin_session(now)

    async def run(self, plan: str, task: str) -> None:
        """Run the session that ``begin`` put on record; what comes of it moves the task."""
        site = self._site
        work = _Work(
            plan=site.records.book.plan(plan),
            task=site.records.book.task(plan, task),
            attempt=site.records.store.attempts(plan, task)[-1],
            folder=site.records.book.record(plan).folder,
        )
        try:
            await self._run(work)
        finally:
            site.records.activity.of(plan, task).end_session()

    async def _run(self, work: _Work) -> None:
        record = self._record(work)
        crash_point("session.begun")
        opened = await self._trees.open(work.plan, work.task, record)
        if isinstance(opened, Clash):
            self._turned_back(work, self._record(work), opened)
            return
        tree, record = opened
        if reason := await self._red_proof.of_base(record.plan, record.id):
            anew = {} if record.head else {"base": ""}  # they may be mended on the target
            self._not_started(work, record, reason, **anew)
            return
        record = self._record(work)
        _, profile = work.plan.agent_of(work.task)
        agent = agents.load(profile)
        try:
            place = await open_place(
                self._site, plan=work.plan, profile=profile, agent=agent, tree=tree, record=record
            )
            seconds = await self._make_ready(work, place)
        except SetupFailed as error:
            self._not_started(work, record, f"the worktree could not be made ready: {error}")
            return
        work = replace(work, attempt=replace(work.attempt, setup_seconds=seconds))
        session = f"session {work.attempt.number}"
        async with watched(self._site, record.plan, record.id, session) as watch:
            with self._site.doorkeeper.admit(record.plan, record.id, work.attempt.number) as door:
                try:
                    result = await self._session(work, record, agent, place, door)
                except anyio.get_cancelled_exc_class():
                    await place.rescue()
                    raise
        if place.sandbox.confines and result.outcome is Outcome.FAILED:
            for hint in hints(result.reason):
                self._site.ledger.tell(
                    EventKind.WARNING,
                    hint,
                    plan=record.plan,
                    task=record.id,
                    attempt=work.attempt.number,
                )
        brought = await place.bring_home()
        crash_point("session.ended")
        left = await self._site.git.leftovers.collect(
            tree,
            branch=record.branch,
            base=record.base,
            message=f"{work.task.id}: what session {work.attempt.number} left uncommitted",
            scanned=brought.scanned,
        )
        collected = replace(left, notes=(*brought.notes, *left.notes))
        crash_point("session.collected")
        await keep_head(self._site, record, collected.head)
        crash_point("session.kept")
        await self._report(work, record, result, collected, tampered=watch.tampered)

    def _not_started(self, work: _Work, record: TaskRecord, reason: str, **facts: Any) -> None:
        """No agent was started, and only a person can go on from here."""
        closed = attempts.closed(
            work.attempt, Outcome.FAILED, reason, now=self._site.ledger.clock(), counted=False
        )
        self._site.ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, closed=closed, **facts)

    def _turned_back(self, work: _Work, record: TaskRecord, clash: Clash) -> None:
        """What it is to stand on conflicts: it waits for that to change, or, begun, for a person."""
        reason = clash_sentence(clash)
        if record.base:
            self._not_started(work, record, reason)
            return
        closed = attempts.closed(
            work.attempt, Outcome.ABANDONED, reason, now=self._site.ledger.clock()
        )
        self._site.ledger.move(
            record,
            TaskState.RETRY_QUEUED,
            reason=reason,
            closed=closed,
            stacked_on=clash.words,
        )

    async def _make_ready(self, work: _Work, place: SessionPlace) -> float:
        """Set the worktree up once; returns the seconds it took."""
        mark = place.tree.git_dir / READY_MARK
        if mark.exists():
            return 0.0
        site = self._site
        async with place.connected_setup() as confinement:
            seconds = await set_up(
                place.tree.path,
                work.plan.worktree,
                main_checkout=site.main_checkout,
                env=place.setup_env,
                executor=site.executor,
                confinement=confinement,
                log=site.records.logs(work.plan.name, work.task.id) / "setup.log",
                cookie=f"{work.cookie}.setup",
                timeout_seconds=SETUP_SECONDS,
                allowance=site.records.settings.allowance,
            )
        crash_point("session.set-up")
        mark.touch()
        return seconds

    async def _session(
        self,
        work: _Work,
        record: TaskRecord,
        agent: Agent,
        place: SessionPlace,
        door: Admission,
    ) -> SessionResult:
        site, budget = self._site, work.budget
        told = await session_prompt(site.records, work.task, record)
        folder = site.records.logs(work.plan.name, work.task.id, str(work.attempt.number))
        path = folder / "prompt.md"
        path.write_text(told.text, "utf-8")
        crash_point("session.prompted")
        tokens_left, cost_left = feedback.left_over(record, budget)
        prompt = Prompt(
            text=told.text,
            path=path,
            plan=work.plan.name,
            task=work.task.id,
            attempt=record.attempts_used + 1,
            worktree=place.tree.path,
            plan_folder=Path(work.folder),
            resume=told.resume,
            budget_tokens=tokens_left,
            budget_cost_usd=cost_left,
            environ=site.environ,
        )
        await place.make_over()
        return await run_session(
            agent=agent,
            prompt=prompt,
            executor=site.executor,
            connect=place.connected,
            env={**place.env, **door.environment},
            cwd=place.tree.path,
            log=folder / "session.log",
            cookie=work.cookie,
            wall_seconds=budget.wall,
            idle_seconds=budget.idle,
            tokens_left=tokens_left,
            cost_left=cost_left,
            on_event=lambda event: self._hear(work, event),
            letterbox=door.letterbox,
            pulse=door.pulse,
            log_bytes=site.records.settings.log_bytes,
            grace_seconds=site.records.settings.grace_seconds,
            allowance=site.records.settings.allowance,
        )

    def _hear(self, work: _Work, event: AgentEvent) -> None:
        """Show what the agent does; keep its session's id at once, for after a crash."""
        live = self._site.records.activity.of(work.plan.name, work.task.id)
        match event:
            case Started(session_id):
                attempt = self._site.records.store.attempts(work.plan.name, work.task.id)[-1]
                self._site.ledger.close_attempt(replace(attempt, session_id=session_id))
            case Message(text):
                live.line = safe_text(text, one_line=True, limit=120)
            case ToolCall(name, summary):
                live.line = safe_text(f"{name} {summary}", one_line=True, limit=120)
            case UsageReported(usage):
                live.usage = usage
            case _:
                return
        self._site.ledger.tell(
            EventKind.SESSION_PROGRESSED,
            live.line,
            plan=work.plan.name,
            task=work.task.id,
            attempt=work.attempt.number,
        )

    async def _report(
        self,
        work: _Work,
        record: TaskRecord,
        result: SessionResult,
        collected: Collected,
        *,
        tampered: str,
    ) -> None:
        """What the session came to, decided from its outcome and from what git says."""
        site, head = self._site, collected.head
        live = site.records.activity.of(record.plan, record.id)
        changed = collected.changed and head not in self._looked_at(record)
        survey = None
        if head:
            git, known = site.git, live.survey
            survey = await survey_work(git.history, git.candidates, work.plan, record, head)
            if known is not None and known.head == head:
                survey = replace(survey, restored=known.restored)
            live.survey = survey
        outcome, asked = result.outcome, asked_of(work.plan, work.task)
        if outcome is Outcome.COMPLETED and not changed:
            outcome = Outcome.NO_CHANGE
        decision = feedback.after_session(
            record,
            work.budget,
            replace(result, outcome=outcome),
            feedback.Work(
                changed=changed,
                refused=collected.refused,
                unresolved=await self._unresolved(record, collected),
                out_of_scope=survey.out_of_scope if survey else (),
                protected=survey.protected if survey else (),
                locked=survey.locked if survey else (),
                locked_at=record.tests_head,
                restorable=survey is not None and restorable(survey, record, asked),
            ),
            can_resume=agents.load(work.plan.agent_of(work.task)[1]).can_resume,
            now=site.ledger.clock(),
        )
        if outcome is Outcome.NO_CHANGE and record.sent_back and survey and not survey.files:
            decision = feedback.AskPerson(NOTHING_LEFT)
        if tampered:
            decision = feedback.AskPerson(tampered)
        for note in collected.notes:
            site.ledger.tell(EventKind.WARNING, note, plan=record.plan, task=record.id)
        stored = site.records.store.attempts(record.plan, record.id)[-1]
        ended = replace(stored, setup_seconds=work.attempt.setup_seconds)
        closed = attempts.closed(
            attempts.with_result(ended, result),
            outcome,
            result.reason,
            now=site.ledger.clock(),
            head=head,
        )
        route(
            site.ledger,
            site.ledger.task(record.plan, record.id),
            decision,
            closed=closed,
            head=head,
            usage=record.usage + result.usage,
            session_id=result.session_id or "",
            attempts_used=record.attempts_used + (1 if closed.counted else 0),
        )

    def _looked_at(self, record: TaskRecord) -> set[str]:
        """The heads that were verified last: a session that ends at one of them did nothing."""
        store = self._site.records.store
        last = (store.last_verification(record.plan, record.id, why) for why in (BRANCH, RED))
        known = self._site.records.activity.of(record.plan, record.id).survey
        restored = {known.head} if known is not None and known.restored else set()
        return restored | {verified.commit for verified in last if verified is not None}

    async def _unresolved(self, record: TaskRecord, collected: Collected) -> tuple[str, ...]:
        """Files with conflict markers, also those that are committed and so no conflict to git."""
        if collected.conflicts or not collected.head or record.sessions == 1:
            return collected.conflicts
        return await self._site.git.conflicts.left(collected.head, record.base)

    def _record(self, work: _Work) -> TaskRecord:
        return self._site.ledger.task(work.plan.name, work.task.id)

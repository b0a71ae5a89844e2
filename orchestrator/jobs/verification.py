"""The jobs of verifying: a task's branch, and the target itself before anything starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator import feedback
from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.events import Event, EventKind
from orchestrator.git.refs import branch_ref
from orchestrator.jobs.routing import route
from orchestrator.jobs.second_look import unproven_tests
from orchestrator.jobs.survey import survey_conflicts, survey_work
from orchestrator.jobs.tampering import watched
from orchestrator.readiness import reconfigured_sentence
from orchestrator.records import VerificationRecord
from orchestrator.results import combined_verdict
from orchestrator.site import BASELINE, BRANCH
from orchestrator.states import MergeMode, TaskState
from orchestrator.verification.baseline import Baseline
from orchestrator.verification_records import results_text

if TYPE_CHECKING:
    from orchestrator.plan.model import Plan
    from orchestrator.records import TaskRecord
    from orchestrator.results import CheckResult, Verification
    from orchestrator.site import Site


class VerificationJob:
    """Verifies branches and baselines of one engine."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def verify_branch(self, plan: str, task: str) -> None:
        """Run the task's criteria on its head; what comes of it moves the task."""
        records = self._site.records
        snapshot = records.book.snapshot(plan)
        record, planned = snapshot.tasks[task], records.book.task(plan, task)
        tree = await self._site.git.objects.tree_of(record.head)
        async with watched(self._site, plan, task, "verification") as watch:
            verification = await self._site.verifier.verify(
                self._site.request(
                    snapshot,
                    planned.done_when,
                    record.head,
                    tree,
                    record,
                    fail_fast=snapshot.plan.fail_fast,
                    trust_failures=self._is_first_look(record),
                )
            )
        crash_point("verification.done")
        kept = keep_verification(
            self._site, snapshot.plan, record, verification, purpose=BRANCH, commit=record.head
        )
        crash_point("verification.recorded")
        if watch.tampered:  # as if it had erred, so that it is verified again first
            asks = feedback.AskPerson(watch.tampered)
            route(self._site.ledger, record, asks, verify_errors=record.verify_errors + 1)
        elif not verification.passed:
            self._not_passed(snapshot.plan, record, verification, kept.digest)
        elif (strayed := await self._strayed(snapshot.plan, record)) is not None:
            route(self._site.ledger, record, strayed)
        else:
            await self._passed(record, snapshot.record.merge)

    def _is_first_look(self, record: TaskRecord) -> bool:
        """Whether this head was not verified before: then a failure may be known, from its session.

        Whoever has it verified again, after a mend say, wants to see what failed run.
        """
        last = self._site.records.store.last_verification(record.plan, record.id, BRANCH)
        return last is None or last.commit != record.head

    async def _strayed(self, plan: Plan, record: TaskRecord) -> feedback.Decision | None:
        """What follows when the work leaves its bounds; looked at again after an edit of the plan."""
        live = self._site.records.activity.of(record.plan, record.id)
        task = self._site.records.book.task(record.plan, record.id)
        if live.survey is None or live.survey.head != record.head:
            git = self._site.git
            live.survey = await survey_work(git.history, git.candidates, plan, record, record.head)
        live.survey = replace(live.survey, unproven=unproven_tests(self._site.records, record))
        work = feedback.Work(
            changed=True,
            out_of_scope=live.survey.out_of_scope,
            protected=live.survey.protected,
            locked=live.survey.locked,
            locked_at=record.tests_head,
        )
        budget, can_resume = plan.budget_of(task), bool(record.session_id)
        strayed = feedback.out_of_bounds(record, budget, work, can_resume=can_resume)
        if strayed is None and live.survey.unproven:
            return feedback.unproven(record, budget, live.survey.unproven, can_resume=can_resume)
        if strayed is None and live.survey.reconfigured and record.approved_head != record.head:
            return feedback.AskPerson(reconfigured_sentence(task.id, live.survey.reconfigured))
        return strayed

    async def _passed(self, record: TaskRecord, merge: str) -> None:
        if record.sessions > 1:  # the first finds no conflict to resolve
            await self._site.git.resolutions.learn(record.plan, record.id, record.head)
        live = self._site.records.activity.of(record.plan, record.id)
        if merge != MergeMode.AUTO and live.survey is not None:
            target = await self._site.git.refs.resolve(branch_ref(self._site.target(record.plan)))
            if target is not None:
                live.survey = await survey_conflicts(self._site.git.candidates, live.survey, target)
        self._site.ledger.move(
            record,
            TaskState.VERIFIED,
            verified_head=record.head,
            verified_at=self._site.ledger.clock(),
            queued_at=record.queued_at or self._site.ledger.clock(),
            verify_errors=0,
            retry_at=0.0,
            feedback="",
        )

    def _not_passed(
        self, plan: Plan, record: TaskRecord, verification: Verification, digest: str
    ) -> None:
        ledger = self._site.ledger
        task = self._site.records.book.task(record.plan, record.id)
        decision = feedback.after_verification(
            record,
            plan.budget_of(task),
            verification,
            digest=digest,
            can_resume=bool(record.session_id),
            now=ledger.clock(),
        )
        route(ledger, record, decision)

    async def verify_baseline(self, plan: str) -> None:
        """Verify the target's own tree by every criterion of the plan, and tell what is known.

        A red target is told before any agent starts, and so are criteria that pass already.
        """
        site = self._site
        snapshot = site.records.book.snapshot(plan)
        target = await site.git.refs.resolve(branch_ref(snapshot.record.target))
        if target is None:  # returning would only start this again at once
            raise GitError(f"the target branch {snapshot.record.target!r} is gone; make it again")
        wanted = {name for task in snapshot.plan.tasks for name in task.done_when}
        checks = tuple(name for name in snapshot.plan.checks if name in wanted)
        tree = await site.git.objects.tree_of(target)
        async with watched(site, plan, "", "the baseline"):
            verification = await site.verifier.verify(
                site.request(snapshot, checks, target, tree, None)
            )
        crash_point("baseline.verified")
        now = site.ledger.clock()
        site.ledger.verified(
            VerificationRecord(
                plan=plan,
                task="",
                attempt=0,
                purpose=BASELINE,
                commit=target,
                tree=tree,
                verdict=combined_verdict(verification.results),
                digest="",
                results=results_text(verification),
                started_at=now - verification.seconds,
                ended_at=now,
            ),
            Event(
                EventKind.BASELINE_VERIFIED,
                plan=plan,
                message=Baseline.of(snapshot.plan, verification).sentence(snapshot.record.target),
                data={"commit": target, "verdicts": _verdicts(verification.results)},
            ),
        )
        site.records.settle_baseline(plan)


def keep_verification(
    site: Site,
    plan: Plan,
    record: TaskRecord,
    verification: Verification,
    *,
    purpose: str,
    commit: str,
    is_wanted: bool = False,
) -> VerificationRecord:
    """Put a verification of a task on record, with its digest where it did not pass.

    Unless that is just what was wanted of it: then there is nothing to be told.
    """
    now = site.ledger.clock()
    fine = verification.passed or is_wanted
    digest = "" if fine else site.digest(record, verification, purpose=purpose)
    verdict = combined_verdict(verification.results)
    kept = site.ledger.verified(
        VerificationRecord(
            plan=record.plan,
            task=record.id,
            attempt=record.sessions,
            purpose=purpose,
            commit=commit,
            tree=verification.tree,
            verdict=verdict,
            digest=digest,
            results=results_text(verification),
            started_at=now - verification.seconds,
            ended_at=now,
        ),
        Event(
            EventKind.VERIFICATION_ENDED,
            plan=record.plan,
            task=record.id,
            attempt=record.sessions,
            message=f"{purpose} {verdict.replace('_', ' ')}: {_told(verification.results)}",
            data={
                "purpose": purpose,
                "commit": commit,
                "tree": verification.tree,
                "verdicts": _verdicts(verification.results),
                "seconds": verification.seconds,
                "sandbox": site.records.book.record(record.plan).sandbox,
            },
        ),
    )
    if plan.name == record.plan:
        site.records.activity.of(record.plan, record.id).running_checks = set()
    return kept


def _told(results: tuple[CheckResult, ...]) -> str:
    return ", ".join(
        f"{r.check} {'cached ' if r.cached else ''}{'skipped' if r.skipped else r.verdict}"
        for r in results
    )


def _verdicts(results: tuple[CheckResult, ...]) -> dict[str, str]:
    return {r.check: "skipped" if r.skipped else str(r.verdict) for r in results}

"""The verification of a branch that changes what no session may: made with that put back.

Of a commit of its own, on no branch, so that the agent is told both what it may not change and what
the checks say of the rest. Whatever comes of it the task goes back: this never calls a branch
verified, never locks a test, and puts its results on record for the tree that was really verified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator import feedback
from orchestrator.crash_points import crash_point
from orchestrator.git.refs import stray_ref
from orchestrator.jobs.red_proof import RedProof
from orchestrator.jobs.restoration import restorable, restored
from orchestrator.jobs.restored_feedback import (
    Breach,
    after_restored,
    after_restored_tests,
    nothing_left,
    unjudged,
    unseen,
)
from orchestrator.jobs.routing import route
from orchestrator.jobs.second_look import restored_verdict
from orchestrator.jobs.survey import survey_work
from orchestrator.jobs.tampering import watched
from orchestrator.jobs.verification import keep_verification
from orchestrator.site import RESTORED
from orchestrator.tests_first.rules import asked_of, is_writing, unproven

if TYPE_CHECKING:
    from orchestrator.feedback import Decision
    from orchestrator.jobs.restoration import Restored
    from orchestrator.plan.model import Budget
    from orchestrator.readiness import Survey
    from orchestrator.records import TaskRecord
    from orchestrator.results import Verification
    from orchestrator.scheduling.decision import PlanSnapshot
    from orchestrator.site import Site
    from orchestrator.tests_first.rules import Asked


@dataclass(frozen=True, slots=True)
class _Case:
    """A task's branch, as it was looked at."""

    snapshot: PlanSnapshot
    record: TaskRecord
    asked: Asked | None
    survey: Survey

    @property
    def budget(self) -> Budget:
        return self.snapshot.plan.budget_of(self.snapshot.plan.task(self.record.id))

    @property
    def can_resume(self) -> bool:
        return bool(self.record.session_id)

    def breach(self, commit: str = "") -> Breach:
        survey = self.survey
        return Breach(survey.locked, survey.protected, survey.out_of_scope, commit)


class RestoredCheck:
    """Verifies what branches of one engine's tasks are worth without what they may not hold."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._red_proof = RedProof(site)

    async def of_tests(self, plan: str, task: str) -> bool:
        """Look at tests that are to be seen red; whether their session kept off everything else.

        Where it did not, what came of it has moved the task.
        """
        case = await self._case(plan, task)
        if not is_writing(case.asked, case.record):
            return True
        if case.asked is None or not restorable(case.survey, case.record, case.asked):
            return True
        found = await self._restored(case)
        if found is None:
            return False
        async with watched(self._site, plan, task, "the red proof") as watch:
            verification, redness = await self._red_proof.look(
                case.snapshot, case.record, case.asked, found.commit, purpose=RESTORED
            )
        breach = case.breach(found.commit)
        record, budget, can_resume = case.record, case.budget, case.can_resume
        if redness is None:
            now = self._site.ledger.clock()
            decision = unjudged(
                record, budget, breach, verification, can_resume=can_resume, now=now
            )
        else:
            decision = after_restored_tests(record, budget, breach, redness, can_resume=can_resume)
        self._route(case, decision, watch.tampered)
        return False

    async def of_branch(self, plan: str, task: str) -> bool:
        """Verify what a branch is worth without its breach; whether there is none.

        Where there is one, what came of it has moved the task.
        """
        site, case = self._site, await self._case(plan, task)
        if not restorable(case.survey, case.record, case.asked):
            return True
        found = await self._restored(case)
        if found is None:
            return False
        record, checks = case.record, case.snapshot.plan.task(task).done_when
        last = site.records.newest(record, RESTORED)
        async with watched(site, plan, task, "verification") as watch:
            verification = await site.verifier.verify(
                site.request(
                    case.snapshot,
                    checks,
                    found.commit,
                    found.tree,
                    record,
                    fail_fast=case.snapshot.plan.fail_fast,
                    trust_failures=last is None or last.commit != found.commit,
                )
            )
        crash_point("verification.done")
        kept = keep_verification(
            site, case.snapshot.plan, record, verification, purpose=RESTORED, commit=found.commit
        )
        crash_point("verification.recorded")
        live = site.records.activity.of(plan, task)
        live.survey = replace(case.survey, restored=restored_verdict(kept))
        decision = self._after(case, case.breach(found.commit), verification, kept.digest)
        self._route(case, decision, watch.tampered)
        return False

    async def _case(self, plan: str, task: str) -> _Case:
        """What git says of the branch, also after an edit of the plan."""
        git, snapshot = self._site.git, self._site.records.book.snapshot(plan)
        record, planned = snapshot.tasks[task], snapshot.plan.task(task)
        live, asked = self._site.records.activity.of(plan, task), asked_of(snapshot.plan, planned)
        known, now = live.survey, (record.head, record.tests_head)
        if known is None or (known.head, known.tests_head) != now:
            looked = survey_work(git.history, git.candidates, snapshot.plan, record, record.head)
            known = live.survey = await looked
        return _Case(snapshot, record, asked, known)

    async def _restored(self, case: _Case) -> Restored | None:
        """The commit to verify; None where that would tell nothing, and the work goes back at once."""
        site, record, budget = self._site, case.record, case.budget
        git, can_resume = site.git, case.can_resume
        found = await restored(git, record, case.survey, await git.objects.tree_of(record.head))
        if found is None:
            decision = unseen(record, budget, case.breach(), can_resume=can_resume)
            route(site.ledger, record, decision)
            return None
        await git.refs.hold(stray_ref(record.plan, record.id, found.commit), found.commit)
        if found.tree == await git.objects.tree_of(record.base):
            breach = case.breach(found.commit)
            route(site.ledger, record, nothing_left(record, budget, breach, can_resume=can_resume))
            return None
        return found

    def _after(
        self, case: _Case, breach: Breach, verification: Verification, digest: str
    ) -> Decision:
        record, asked, missing = case.record, case.asked, tuple[str, ...]()
        if asked is not None and record.tests_head:
            red = self._site.records.red_results(record)
            missing = unproven(red, verification.results, checks=asked.checks)
        return after_restored(
            record,
            case.budget,
            breach,
            verification,
            digest=digest,
            unproven=missing,
            can_resume=case.can_resume,
            now=self._site.ledger.clock(),
        )

    def _route(self, case: _Case, decision: Decision, tampered: str) -> None:
        """Where the decision leads; first, as if it had erred, to a person who looks at the repository."""
        ledger, record = self._site.ledger, case.record
        if tampered:
            asks = feedback.AskPerson(tampered)
            route(ledger, record, asks, verify_errors=record.verify_errors + 1)
        else:
            route(ledger, record, decision)

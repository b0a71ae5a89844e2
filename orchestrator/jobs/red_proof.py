"""Tests seen red before the work: verified, judged, and put on record as what must turn green.

Red is looked for on a commit that holds the tests and nothing of the work: the branch while only
tests are on it, the base where they are given, and else the base with the branch's tests laid over
it (the state was lost, or the plan was edited, when work was there already). Only a proof on record
makes an implementing session possible; what could not be judged is judged again, then a person's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator import agents, feedback
from orchestrator.crash_points import crash_point
from orchestrator.git.candidates import Conflict
from orchestrator.git.refs import stray_ref
from orchestrator.jobs.routing import route
from orchestrator.jobs.tampering import watched
from orchestrator.jobs.verification import keep_verification
from orchestrator.plan.globs import PathGlobs
from orchestrator.results import Verification
from orchestrator.site import RED
from orchestrator.states import TaskState, Verdict
from orchestrator.tests_first.import_errors import Project
from orchestrator.tests_first.red_judgement import NotRed, Red, Rules, Unclear, judge_red
from orchestrator.tests_first.rules import asked_of, awaits_approval, is_writing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord
    from orchestrator.results import CheckResult
    from orchestrator.scheduling.decision import PlanSnapshot
    from orchestrator.site import Site
    from orchestrator.tests_first.red_judgement import Redness
    from orchestrator.tests_first.rules import Asked

APPROVE = "{}; a person must approve the tests: clerk approve {}, or clerk retry {} --note …"
GIVEN_GREEN = "the given tests prove nothing: {}"

TESTS_OVERTAKEN = (
    "What has landed meanwhile changes the same tests, in {}, so this task begins anew on top of "
    "it. What was done before is not in this worktree."
)


class RedProof:
    """Looks for red in the tests of one engine's tasks."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def of_branch(self, plan: str, task: str) -> bool:
        """Prove the tests of a branch red where that is due; whether its work can be verified now.

        When it cannot, what came of it has moved the task.
        """
        snapshot = self._site.records.book.snapshot(plan)
        record = snapshot.tasks[task]
        planned = self._site.records.book.task(plan, task)
        asked = asked_of(snapshot.plan, planned)
        if asked is None or record.tests_head:
            return True
        commit = record.base if asked.given else await self._only_tests(record, asked)
        async with watched(self._site, plan, task, "the red proof") as watch:
            verification, redness = await self.look(snapshot, record, asked, commit)
        if watch.tampered:
            asks = feedback.AskPerson(watch.tampered)
            route(self._site.ledger, record, asks, verify_errors=record.verify_errors + 1)
            return False
        if isinstance(redness, Red):
            return await self._seen(planned, record, commit, redness.told)
        self._not_seen(snapshot, planned, record, verification, redness)
        return False

    async def of_base(self, plan: str, task: str) -> str:
        """Prove given tests red where that is due; why they are not, empty when they are."""
        snapshot = self._site.records.book.snapshot(plan)
        record = snapshot.tasks[task]
        asked = asked_of(snapshot.plan, self._site.records.book.task(plan, task))
        if asked is None or not asked.given or record.tests_head:
            return ""
        async with watched(self._site, plan, task, "the red proof") as watch:
            verification, redness = await self.look(snapshot, record, asked, record.base)
        if watch.tampered:
            return watch.tampered
        if isinstance(redness, Red):
            self._site.ledger.amend(record, **self._proof(record.base))
            return ""
        return GIVEN_GREEN.format(redness.why if redness else _could_not(verification))

    async def still_standing(self, record: TaskRecord, target: str) -> TaskRecord:
        """``record`` before ``target`` is merged into its branch; it begins anew where that changes its tests.

        Tests that must be changed to be merged are not those that were seen red, and nobody may
        change them: they are written again on top of what landed. The old branch is kept.
        """
        plan = self._site.records.book.plan(record.plan)
        asked = asked_of(plan, plan.task(record.id))
        if asked is None or asked.given or not record.tests_head:
            return record
        merged = await self._site.git.candidates.merge(target, record.tests_head)
        tests = PathGlobs(asked.paths)
        if not isinstance(merged, Conflict) or not any(map(tests.matches, merged.paths)):
            return record
        return self._site.ledger.amend(
            record,
            base="",
            head="",
            tests_head="",
            tests_red_at=0.0,
            session_id="",
            sync_target=False,
            feedback=TESTS_OVERTAKEN.format(", ".join(merged.paths[:10])),
        )

    async def _only_tests(self, record: TaskRecord, asked: Asked) -> str:
        """A commit with the branch's tests and nothing else of it."""
        git, tests = self._site.git, PathGlobs(asked.paths)
        _, changed = await git.history.changes(record.base, record.head)
        if all(map(tests.matches, changed)):
            return record.head
        before = await git.listings.of(await git.objects.tree_of(record.base))
        after = await git.listings.of(await git.objects.tree_of(record.head))
        kept = [entry for entry in before.entries if not tests.matches(entry.path)]
        kept += [entry for entry in after.entries if tests.matches(entry.path)]
        laid = await git.reductions.of(record.base, kept)
        await git.refs.hold(stray_ref(record.plan, record.id, laid.commit), laid.commit)
        return laid.commit

    async def look(
        self,
        snapshot: PlanSnapshot,
        record: TaskRecord,
        asked: Asked,
        commit: str,
        *,
        purpose: str = RED,
    ) -> tuple[Verification, Redness | None]:
        """The checks on ``commit``, and what they say of the tests; None where they could not run.

        What is put on record for another ``purpose`` than ``RED`` proves nothing.
        """
        after = await self._verified(snapshot, record, asked.checks, commit)
        before = None
        if not asked.given and not after.passed:
            before = await self._verified(snapshot, record, asked.checks, record.base)
        crash_point("red.verified")
        redness = await self._judged(snapshot, record, asked, after, before)
        if isinstance(redness, Red):
            after = replace(after, results=_with(after.results, redness.result))
        keep_verification(
            self._site,
            snapshot.plan,
            record,
            after,
            purpose=purpose,
            commit=commit,
            is_wanted=isinstance(redness, Red),
        )
        crash_point("red.recorded")
        return after, redness

    async def _verified(
        self, snapshot: PlanSnapshot, record: TaskRecord, checks: tuple[str, ...], commit: str
    ) -> Verification:
        tree = await self._site.git.objects.tree_of(commit)
        request = self._site.request(snapshot, checks, commit, tree, record)
        return await self._site.verifier.verify(request)

    async def _judged(
        self,
        snapshot: PlanSnapshot,
        record: TaskRecord,
        asked: Asked,
        after: Verification,
        before: Verification | None,
    ) -> Redness | None:
        """The first check that is red, or why none is."""
        git, tests = self._site.git, PathGlobs(asked.paths)
        files = await git.history.tracked_files(after.commit)
        changed = files
        if not asked.given:
            _, changed = await git.history.changes(record.base, after.commit)
        project = Project(frozenset(files), snapshot.plan.task(record.id).touches)
        known = {result.check: result for result in before.results} if before else {}
        found: list[Redness] = []
        for result in after.results:
            if result.check not in asked.checks or _could_not_run(result, after):
                continue
            rules = Rules(
                tests=frozenset(path for path in changed if tests.matches(path)),
                project=project,
                reports=bool(snapshot.plan.checks[result.check].report),
                allow_missing=asked.allow_missing,
            )
            found.append(judge_red(result, known.get(result.check), rules))
        return next((one for one in found if isinstance(one, Red)), found[0] if found else None)

    async def _seen(self, task: Task, record: TaskRecord, commit: str, told: str) -> bool:
        """The tests are locked from now on; a fresh session makes them green."""
        ledger = self._site.ledger
        facts: dict[str, Any] = {
            **self._proof(commit),
            "session_id": "",
            "feedback": "",
            "verify_errors": 0,
            "retry_at": 0.0,
        }
        if awaits_approval(task, replace(record, tests_head=commit)):
            reason = APPROVE.format(told, task.id, task.id)
            ledger.move(record, TaskState.NEEDS_INPUT, reason=reason, **facts)
        elif commit != record.head:  # work is there already
            ledger.amend(record, **facts)
            return True
        else:
            extra = record.attempts_extra + 1  # what they cost is no failed attempt
            ledger.move(record, TaskState.RETRY_QUEUED, reason=told, attempts_extra=extra, **facts)
        return False

    def _proof(self, commit: str) -> dict[str, Any]:
        return {"tests_head": commit, "tests_red_at": self._site.ledger.clock()}

    def _not_seen(
        self,
        snapshot: PlanSnapshot,
        task: Task,
        record: TaskRecord,
        verification: Verification,
        redness: NotRed | Unclear | None,
    ) -> None:
        """Back to whoever wrote the tests, once more, or to a person."""
        budget = snapshot.plan.budget_of(task)
        can_resume = bool(record.session_id) and _resumes(snapshot, task)
        is_given = not is_writing(asked_of(snapshot.plan, task), record)
        decision: feedback.Decision
        match redness:
            case NotRed(why) if is_given:
                decision = feedback.AskPerson(GIVEN_GREEN.format(why))
            case NotRed(why, told):
                decision = feedback.sent_back(record, budget, why, told, can_resume=can_resume)
            case Unclear(why):
                decision = feedback.AskPerson(why)
            case None:
                decision = feedback.after_verification(
                    record,
                    budget,
                    verification,
                    digest="",
                    can_resume=can_resume,
                    now=self._site.ledger.clock(),
                )
        route(self._site.ledger, record, decision)


def _resumes(snapshot: PlanSnapshot, task: Task) -> bool:
    return agents.load(snapshot.plan.agent_of(task)[1]).can_resume


def _could_not_run(result: CheckResult, of: Verification) -> bool:
    """Whether nobody is to blame: not even a check that it needs said no."""
    said_no = any(one.verdict in {Verdict.FAILED, Verdict.TIMED_OUT} for one in of.results)
    return result.verdict is Verdict.ERRORED and not (result.skipped and said_no)


def _could_not(verification: Verification) -> str:
    told = [f"{r.check}: {r.reason}" for r in verification.failed_checks() if not r.skipped]
    return "; ".join(told) or "no check gave a verdict"


def _with(results: Iterable[CheckResult], red: CheckResult) -> tuple[CheckResult, ...]:
    """The results with the proof in the place of its check, and no other failure of tests."""
    return tuple(red if result.check == red.check else result for result in results)

"""Taking a plan in: wholly checked before anything of it is stored or started."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import agents, reports
from orchestrator.crash_points import crash_point
from orchestrator.errors import UsageError
from orchestrator.events import EventKind
from orchestrator.git.preflight import preflight
from orchestrator.git.refs import branch_ref, task_branch
from orchestrator.jobs.rebuild import catch_up, is_known_to_git
from orchestrator.plan.graph import check_closure
from orchestrator.plan.load import parse_plan
from orchestrator.records import PlanRecord, TaskRecord
from orchestrator.sandboxes.choice import choose
from orchestrator.site import Scrutiny
from orchestrator.states import ACTIVE, SETTLED, CheckedOut, TaskState
from orchestrator.tests_first.rules import asked_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.api.models import PlanView, SubmitPlan
    from orchestrator.api.reader import Reader
    from orchestrator.plan.model import Plan
    from orchestrator.site import Site

DIFF_LINES = 60
_CAUTIONS = {
    "none": "sessions and checks run without a sandbox, with your rights",
    "landlock": (
        "bubblewrap does not hold here, so landlock confines: what detaches itself from a session "
        "may outlive it (clerk doctor tells how to mend that)"
    ),
}

DROPPED = "it is no longer in the plan"


class Submissions:
    """Takes plans in for one engine."""

    def __init__(self, site: Site, reader: Reader, has_job: Callable[[str, str], bool]) -> None:
        self._site = site
        self._reader = reader
        self._has_job = has_job

    async def submit(self, request: SubmitPlan) -> PlanView:
        """Store a plan, or take in what changed of it; the same plan again just goes on.

        Raises PlanError for a bad plan, CannotRun where the repository is not fit for it, and
        UsageError for an edited plan that nobody said to take in. Nothing is stored then.
        """
        plan = parse_plan(
            request.source,
            shown_path=request.path,
            agents=agents.names(),
            reports=reports.formats(),
        )
        sandbox = await choose(request.sandbox or self._site.records.settings.sandbox)
        agents.check_profiles(plan, shown_path=request.path)
        warnings = list(
            preflight(self._site.records.repository, target=plan.target, plan=plan.name)
        )
        record = self._record(plan, request, sandbox)
        if caution := _CAUTIONS.get(record.sandbox):
            warnings.append(caution)
        in_the_way = self._checked_out(plan)
        self._site.records.scrutiny[plan.name] = Scrutiny(
            use_cache=not request.no_cache, audit_inputs=request.audit_inputs
        )
        crash_point("submission.checked")
        if plan.name in self._site.records.book.names():
            if self._site.records.book.record(plan.name).settled_at:
                await catch_up(self._site, (plan.name,))
            self._again(plan, record, accept=request.accept_changes)
        else:
            await self._begin(plan, record)
        crash_point("submission.stored")
        self._reader.warnings[plan.name] = tuple(warnings)
        self._reader.in_the_way[plan.name] = in_the_way
        return self._reader.plan(plan.name)

    async def _begin(self, plan: Plan, record: PlanRecord) -> None:
        """Store a new plan; one that git knows has lost its state and is rebuilt first.

        Stored as settled meanwhile, so that nothing of it starts.
        """
        ledger, tasks = self._site.ledger, [_fresh(plan, n) for n in range(len(plan.tasks))]
        if not await is_known_to_git(self._site, plan.name):
            ledger.begin(record, tuple(tasks))
            return
        ledger.begin(replace(record, settled_at=record.started_at), tuple(tasks))
        await catch_up(self._site, (plan.name,))
        ledger.change_plan(plan.name, EventKind.PLAN_RESUMED, settled_at=0.0)

    def _record(self, plan: Plan, request: SubmitPlan, sandbox: str) -> PlanRecord:
        now = self._site.ledger.clock()
        return PlanRecord(
            name=plan.name,
            source=request.source,
            source_hash=hashlib.sha256(request.source.encode()).hexdigest(),
            path=request.path,
            folder=request.folder,
            target=plan.target,
            merge=request.merge or plan.merge,
            sandbox=sandbox,
            update_checkout=request.update_checkout or self._site.records.settings.update_checkout,
            started_at=now,
            position=len(self._site.records.book.names()),
        )

    def _checked_out(self, plan: Plan) -> tuple[str, ...]:
        found = self._site.git.landing.standing_on(
            branch_ref(plan.target), self._site.records.repository.main
        )
        waits = plan.queue.checked_out is CheckedOut.WAIT
        comes = "landing will wait" if waits else "landing will leave it behind"
        return tuple(
            f"{plan.target} is checked out in {place.path}; {comes} unless you "
            "give leave with --update-checkout, or switch that checkout to another branch"
            for place in found
        )

    def _again(self, plan: Plan, new: PlanRecord, *, accept: bool) -> None:
        """The same plan goes on; an edited one is taken in when the architect says so."""
        old = self._site.records.book.record(plan.name)
        if old.target != new.target:
            raise UsageError(
                f"plan {plan.name!r} was started for {old.target!r}, not {new.target!r}; "
                "give the plan another name"
            )
        changed = old.source_hash != new.source_hash
        if changed and not accept:
            raise UsageError("\n".join(_difference(old, new)))
        facts: dict[str, Any] = {
            "merge": new.merge,
            "update_checkout": new.update_checkout,
            "sandbox": new.sandbox,
            "path": new.path,
            "folder": new.folder,
        }
        if changed:
            facts |= {"source": new.source, "source_hash": new.source_hash}
            self._check_running(plan)
        tasks = self._site.records.store.tasks(plan.name)
        unsettled = changed or any(task.state not in SETTLED for task in tasks)
        for task in tasks:
            asked = task.state is TaskState.NEEDS_INPUT and task.pull_request
            if task.held or asked:  # whoever runs the plan again may have mended it, here or there
                self._site.ledger.amend(task, held="", retry_at=0.0)
        settled_at = 0.0 if unsettled else old.settled_at
        before = self._site.records.book.plan(plan.name)
        kind = EventKind.PLAN_CHANGED if changed else EventKind.PLAN_RESUMED
        self._site.ledger.change_plan(plan.name, kind, settled_at=settled_at, **facts)
        if changed:
            self._take_in(plan)
            self._forget_proofs(before, plan)
            crash_point("submission.taken-in")

    def _check_running(self, plan: Plan) -> None:
        """Work in hand follows the plan it was started from."""
        tasks = self._site.records.store.tasks(plan.name)
        working = [
            task.id for task in tasks if task.state in ACTIVE or self._has_job(plan.name, task.id)
        ]
        if working:
            raise UsageError(
                f"plan {plan.name!r} cannot be changed while tasks are in hand: "
                f"{', '.join(working)}; pause the plan and wait, or cancel them"
            )

    def _take_in(self, plan: Plan) -> None:
        """Add new tasks, drop those that are gone, and verify again what had passed.

        Nothing that was found out by the old plan counts: neither the baseline nor what was
        said of scopes and protected paths.
        """
        records = self._site.records
        records.expire_baseline(plan.name)
        known = {task.id: task for task in records.store.tasks(plan.name)}
        with records.store.write() as tx:
            for number, task in enumerate(plan.tasks):
                if task.id not in known:
                    tx.add_task(_fresh(plan, number))
        crash_point("submission.tasks-added")
        for number, task in enumerate(plan.tasks):
            if task.id in known:
                records.activity.of(plan.name, task.id).survey = None
                self._keep(self._site.ledger.amend(known[task.id], position=number))
        planned = {task.id for task in plan.tasks}
        for record in known.values():
            if record.id not in planned and record.state not in SETTLED:
                self._site.ledger.move(record, TaskState.CANCELLED, reason=DROPPED)

    def _forget_proofs(self, before: Plan, plan: Plan) -> None:
        """Tests that were seen red by other rules were not seen red."""
        for record in self._site.records.store.tasks(plan.name):
            if record.tests_head and _red_rules(before, record.id) != _red_rules(plan, record.id):
                self._site.ledger.amend(record, tests_head="", tests_red_at=0.0)

    def _keep(self, record: TaskRecord) -> None:
        """A task that both plans have: proven, dropped or settled by the old one."""
        if record.state is TaskState.VERIFIED:
            self._site.ledger.move(
                record,
                TaskState.VERIFYING,
                reason="the plan changed",
                verified_head="",
                merge_requested=False,
            )
        elif record.state is TaskState.CANCELLED and record.reason == DROPPED:
            back = TaskState.VERIFYING if record.head else TaskState.PENDING
            self._site.ledger.move(record, back, reason="it is in the plan again")
        elif record.state is TaskState.CANCELLED and record.settled_by:
            # what made it impossible may be no dependency any more
            reason = "the plan changed"
            self._site.ledger.move(record, TaskState.PENDING, reason=reason, settled_by="")


def _fresh(plan: Plan, number: int) -> TaskRecord:
    task = plan.tasks[number]
    return TaskRecord(plan.name, task.id, position=number, branch=task_branch(plan.name, task.id))


def _red_rules(plan: Plan, task: str) -> object:
    """All that decides whether a task's tests are red; None where nothing is asked of them."""
    if task not in plan.tasks_by_id or (asked := asked_of(plan, plan.task(task))) is None:
        return None
    checks = check_closure(plan.checks, asked.checks)
    return asked, [plan.checks[name] for name in checks], plan.worktree


def _difference(old: PlanRecord, new: PlanRecord) -> Iterator[str]:
    """What an edited plan file changes, and how to say that it is meant."""
    yield (
        f"plan {old.name!r} was edited since it was started; nothing was changed. "
        "To take the edit in: --accept-changes"
    )
    lines = list(
        difflib.unified_diff(
            old.source.splitlines(),
            new.source.splitlines(),
            "as started",
            str(Path(new.path)),
            lineterm="",
            n=1,
        )
    )
    yield from lines[:DIFF_LINES]
    if len(lines) > DIFF_LINES:
        yield f"… and {len(lines) - DIFF_LINES} lines more"

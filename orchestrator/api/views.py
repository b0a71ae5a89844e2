"""From facts to what clients are shown.

Pure translation: records, the plan and what is going on in, views out. Serves the engine's API
and, when no engine runs, the command line reading the stored state alone.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.api.conflict_views import ForecastView, InFlightView, PairView
from orchestrator.api.models import (
    AttemptView,
    BehindView,
    CheckView,
    DiffStatView,
    EventView,
    GateView,
    NoteView,
    PlanView,
    QueueEntryView,
    QueueView,
    TaskDetail,
    TaskView,
    UsageView,
    VerificationView,
)
from orchestrator.readiness import approved, readiness, waits_for_approval
from orchestrator.scheduling.activity import GENERATING, PERSON, QUEUEING, VERIFYING, Activity
from orchestrator.scheduling.decision import PlanSnapshot, is_ready
from orchestrator.scheduling.footing import held_up_by, standing_on, unmerged_dependencies
from orchestrator.scheduling.needs import need_of
from orchestrator.states import MergeMode, TaskState, Verdict
from orchestrator.verification_records import results_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from orchestrator.events import Event
    from orchestrator.forecast import Forecast
    from orchestrator.git.stragglers import Straggler
    from orchestrator.line import LineView
    from orchestrator.plan.model import Task
    from orchestrator.readiness import Survey
    from orchestrator.records import AttemptRecord, TaskRecord, VerificationRecord
    from orchestrator.results import CheckResult, Usage
    from orchestrator.scheduling.decision import TaskKey

PERSON_NEEDED = frozenset({TaskState.NEEDS_INPUT, TaskState.VERIFIED})


def plan_view(
    snapshot: PlanSnapshot,
    tasks: Iterable[TaskView],
    *,
    target_commit: str = "",
    baseline: Iterable[CheckResult] = (),
    warnings: Sequence[str] = (),
    behind: Iterable[Straggler] = (),
) -> PlanView:
    """One plan with its tasks, already turned into views."""
    record, shown = snapshot.record, tuple(tasks)
    settled = bool(record.settled_at)
    return PlanView(
        name=record.name,
        path=record.path,
        target=record.target,
        target_commit=target_commit,
        merge=MergeMode(record.merge),
        sandbox=record.sandbox,
        parallel=snapshot.plan.parallel,
        update_checkout=record.update_checkout,
        paused=record.paused,
        landing_paused=record.landing_paused,
        settled=settled,
        person_needed=settled and any(_needs_person(task, record.merge) for task in shown),
        behind=tuple(_behind(one, record.target) for one in behind),
        started_at=record.started_at,
        settled_at=record.settled_at,
        counts=dict(Counter(task.state for task in shown)),
        baseline=tuple(check_view(result) for result in baseline),
        warnings=tuple(warnings),
        tasks=shown,
    )


def task_view(
    task: Task,
    record: TaskRecord,
    snapshot: PlanSnapshot,
    activity: Activity,
    *,
    now: float,
    worktree: str = "",
    asks: bool = False,
    clashes: Sequence[str] = (),
) -> TaskView:
    """One task as the board shows it; ``clashes`` are what it is forecast to conflict with."""
    live = activity.of(record.plan, record.id)
    stands_on = standing_on(snapshot.plan, record, snapshot.tasks)
    gates = readiness(
        task,
        record,
        live.survey,
        unmerged=unmerged_dependencies(task, snapshot.tasks),
        stands_on=stands_on,
        clashes=clashes,
    )
    asks_approval = waits_for_approval(task, record, live.survey)
    budget = snapshot.plan.budget_of(task)
    return TaskView(
        plan=record.plan,
        id=task.id,
        title=task.title,
        state=record.state,
        reason=record.reason,
        blocked_by=held_up_by(task, record, snapshot.tasks),
        stands_on=stands_on,
        ready=not snapshot.record.paused and is_ready(task, snapshot, now=now),
        merge_ready=record.state is TaskState.VERIFIED and gates.merge_ready,
        merge_requested=record.merge_requested,
        held=record.held,
        agent=snapshot.plan.agent_of(task)[0],
        sandbox=snapshot.record.sandbox,
        attempt=record.attempts_used + (1 if record.state is TaskState.RUNNING else 0),
        attempts_used=record.attempts_used,
        attempts_allowed=budget.attempts + record.attempts_extra,
        activity=live.line,
        state_since=record.changed_at,
        session_started_at=live.session_started_at,
        generating_seconds=live.spent.get(GENERATING, 0.0),
        verifying_seconds=live.spent.get(VERIFYING, 0.0),
        queueing_seconds=live.spent.get(QUEUEING, 0.0),
        waiting_seconds=live.spent.get(PERSON, 0.0),
        usage=usage_view(record.usage + live.usage),
        tokens_allowed=budget.tokens and budget.tokens + record.granted_tokens,
        cost_allowed_usd=budget.cost and budget.cost + record.granted_cost,
        need=need_of(
            record,
            gates,
            live.survey,
            asks=asks,
            asks_approval=asks_approval,
            left_behind=is_behind_by(activity.behind.get(snapshot.record.target, ()), record),
            lands_by_itself=snapshot.record.merge != MergeMode.MANUAL,
        ),
        checks=_checks(task, snapshot, live.checks, live.running_checks),
        diff=_diff(live.survey, record),
        gates=tuple(
            GateView(name=g.name, open=g.open, reason=g.reason, asked=g.asked, refused=g.refused)
            for g in gates.gates
        ),
        after=task.after,
        priority=task.priority,
        rank=record.rank,
        withdrawn=record.withdrawn,
        approve=task.approve or asks_approval,
        approved=task.approve and not asks_approval and approved(task, record),
        asks=asks,
        paused=record.paused,
        branch=record.branch,
        worktree=worktree,
        base=record.base,
        head=record.head,
        merged_commit=record.merged_commit,
        pull_request=record.pull_request,
        revert_requested=record.revert_requested,
        reverted_commit=record.reverted_commit,
    )


def is_behind_by(behind: Iterable[Straggler], record: TaskRecord) -> bool:
    """Whether a checkout was left behind, and this is the last that the target took since."""
    landed = {record.merged_commit, record.reverted_commit} - {""}
    return any(one.past in landed for one in behind)


def queue_view(line: LineView, titles: Mapping[TaskKey, str]) -> QueueView:
    """The queue of one target as it stood at its last look."""
    return QueueView(
        target=line.target,
        commit=line.commit,
        mode=line.mode,
        slots=line.slots,
        failure_rate=line.failure_rate,
        held=line.held,
        entries=tuple(
            QueueEntryView(
                plan=place.plan,
                task=place.task,
                title=titles.get((place.plan, place.task), ""),
                position=position,
                standing=place.standing,
                reason=place.reason,
                since=place.since,
                candidate=place.candidate,
                on=place.on,
                reverts=place.reverts,
            )
            for position, place in enumerate(line.places, 1)
        ),
    )


def task_detail(
    task: Task,
    record: TaskRecord,
    view: TaskView,
    attempts: Iterable[AttemptRecord],
    verifications: Iterable[VerificationRecord],
    *,
    noted: Iterable[Event],
    warned: Iterable[Event],
) -> TaskDetail:
    """Everything about one task."""
    return TaskDetail(
        task=view,
        brief=task.brief,
        touches=task.touches,
        done_when=task.done_when,
        note=record.note,
        attempts=tuple(attempt_view(attempt) for attempt in attempts),
        verifications=tuple(verification_view(one) for one in verifications),
        notes=tuple(map(_note_view, noted)),
        warnings=tuple(map(_note_view, {event.message: event for event in warned}.values())),
    )


def _note_view(event: Event) -> NoteView:
    return NoteView(attempt=event.attempt, at=event.at, text=event.message)


def attempt_view(attempt: AttemptRecord) -> AttemptView:
    return AttemptView(
        number=attempt.number,
        agent=attempt.agent,
        sandbox=attempt.sandbox,
        counted=attempt.counted,
        outcome=attempt.outcome,
        reason=attempt.reason,
        message=attempt.message,
        exit_code=attempt.exit_code,
        usage=usage_view(attempt.usage),
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        setup_seconds=attempt.setup_seconds,
        log=attempt.log,
        prompt=attempt.prompt,
    )


def verification_view(record: VerificationRecord) -> VerificationView:
    return VerificationView(
        id=record.id,
        purpose=record.purpose,
        attempt=record.attempt,
        commit=record.commit,
        tree=record.tree,
        verdict=Verdict(record.verdict),
        digest=record.digest,
        checks=tuple(check_view(result) for result in results_from(record)),
        started_at=record.started_at,
        ended_at=record.ended_at,
    )


def check_view(result: CheckResult) -> CheckView:
    return CheckView(
        name=result.check,
        kind=result.kind,
        command=result.command,
        ok=result.ok,
        runs=result.runs,
        flaky_tests=result.flaky_tests,
        overloaded=result.overloaded,
        written=result.written,
        verdict=result.verdict,
        passed=result.report.passed,
        failed=result.report.failed + result.report.errored,
        skipped_tests=result.report.skipped,
        seconds=result.seconds,
        cached=result.cached,
        skipped=result.skipped,
        reason=result.reason,
        log=result.log,
    )


def forecast_view(
    forecast: Forecast,
    task: Callable[[str, str], Task],
    record: Callable[[str, str], TaskRecord],
) -> ForecastView:
    """The forecast for one target; ``task`` and ``record`` tell of a branch's task."""
    places = {branch.key: number for number, branch in enumerate(forecast.branches)}
    paths = {(clash.one, clash.other): clash.paths for clash in forecast.clashes}
    return ForecastView(
        target=forecast.target,
        commit=forecast.commit,
        branches=tuple(
            InFlightView(
                plan=branch.key[0],
                task=branch.key[1],
                title=task(*branch.key).title,
                state=record(*branch.key).state,
                head=branch.head,
                files=len(branch.paths),
                against_target=forecast.against_target.get(branch.key),
            )
            for branch in forecast.branches
        ),
        pairs=tuple(
            PairView(
                one=places[one],
                other=places[other],
                paths=None if forecast.is_open((one, other)) else paths.get((one, other), ()),
            )
            for one, other in sorted(forecast.meeting)
        ),
    )


def usage_view(usage: Usage) -> UsageView:
    return UsageView(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
    )


def event_view(event: Event) -> EventView:
    return EventView(
        seq=event.seq,
        at=event.at,
        kind=event.kind,
        plan=event.plan,
        task=event.task,
        attempt=event.attempt,
        message=event.message,
        data=dict(event.data),
    )


def _behind(one: Straggler, target: str) -> BehindView:
    return BehindView(path=str(one.worktree.path), command=one.mend, reason=one.told(target))


def _needs_person(task: TaskView, merge: str) -> bool:
    """Whether the task waits for somebody; a merge-ready one does not where merging is manual."""
    if task.state is TaskState.VERIFIED and merge == MergeMode.MANUAL:
        return not task.merge_ready
    return task.state in PERSON_NEEDED or task.state not in {
        TaskState.MERGED,
        TaskState.FAILED,
        TaskState.CANCELLED,
    }


def _checks(
    task: Task,
    snapshot: PlanSnapshot,
    ended: dict[str, CheckResult],
    running: set[str],
) -> tuple[CheckView, ...]:
    """The task's criteria first, then whatever else was checked for it."""
    names = dict.fromkeys((*task.done_when, *ended))
    return tuple(
        check_view(ended[name])
        if name in ended
        else CheckView(
            name=name,
            kind=snapshot.plan.checks[name].kind,
            command=snapshot.plan.checks[name].run,
            running=name in running,
        )
        for name in names
        if name in ended or name in snapshot.plan.checks
    )


def _diff(survey: Survey | None, record: TaskRecord) -> DiffStatView | None:
    if survey is None or survey.head != record.head:
        return None
    return DiffStatView(
        files=survey.files, insertions=survey.insertions, deletions=survey.deletions
    )

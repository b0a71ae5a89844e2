"""What became of a plan: the exit code and the summary, from views alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.errors import ExitCode
from orchestrator.plan.values import show_duration
from orchestrator.readiness import GateName
from orchestrator.safe_text import safe_text
from orchestrator.states import MergeMode, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.api.models import PlanView, TaskView

LOST = frozenset({TaskState.FAILED, TaskState.CANCELLED})
MARKS = {
    TaskState.MERGED: "✓",
    TaskState.VERIFIED: "◆",
    TaskState.FAILED: "✗",
    TaskState.CANCELLED: "-",
    TaskState.NEEDS_INPUT: "?",
}

URGENCY: dict[str, int] = {GateName.APPROVED: 0, GateName.MERGED_RESULT: 2}
READY, REVERTED = "merge-ready", "reverted"
STANDINGS = (
    "merged",
    READY,
    *(s.replace("_", " ") for s in TaskState if s != TaskState.MERGED),
    REVERTED,
)


_FATE = 210
"""Characters of one task's fate; what is longer is cut in its middle, for its end tells most."""


def exit_code(plan: PlanView) -> ExitCode:
    """Done, some task failed, or a person is needed: of a plan in which nothing moves."""
    if any(task.state in LOST for task in plan.tasks):
        return ExitCode.TASK_FAILED
    if all(_done(task, plan.merge) for task in plan.tasks):
        return ExitCode.DONE
    return ExitCode.PERSON_NEEDED


def _done(task: TaskView, merge: MergeMode) -> bool:
    return task.state is TaskState.MERGED or (merge is MergeMode.MANUAL and task.merge_ready)


def summary(plan: PlanView, *, now: float) -> Iterator[str]:
    """Lines that say what became of each task, and where the time went."""
    width = max((len(task.id) for task in plan.tasks), default=0)
    yield f"plan {plan.name} → {plan.target}"
    for behind in plan.behind:
        yield safe_text(f"  ! {behind.reason}", one_line=True)
    for task in plan.tasks:
        yield f"  {mark(task)} {task.id:<{width}}  {what_became(task)}"
    yield from ("", f"  {tally(plan)}")
    yield f"  {where_time_went(plan, now=now)}"
    tokens = sum(task.usage.tokens for task in plan.tasks)
    if tokens:
        cost = sum(task.usage.cost_usd for task in plan.tasks)
        yield f"  {tokens:,} tokens, ${cost:.2f}"
    if plan.sandbox == "none":
        yield "  this run had no sandbox: sessions and checks had your rights"
    stuck = [task.id for task in plan.tasks if task.state is TaskState.FAILED]
    if stuck:
        yield f"  next: clerk status {stuck[0]} · clerk log {stuck[0]} · clerk retry {stuck[0]}"


def where_time_went(plan: PlanView, *, now: float) -> str:
    """The elapsed time, and what the tasks together spent theirs on."""
    spent = {
        "generating": sum(task.generating_seconds for task in plan.tasks),
        "verifying": sum(task.verifying_seconds for task in plan.tasks),
        "queueing": sum(task.queueing_seconds for task in plan.tasks),
        "waiting to land or for a person": sum(task.waiting_seconds for task in plan.tasks),
    }
    told = [f"{show_duration(round(took, 1))} {word}" for word, took in spent.items() if took]
    elapsed = max(0.0, (plan.settled_at or now) - plan.started_at)
    return f"{show_duration(round(elapsed, 1))} elapsed; in all tasks: {', '.join(told)}"


def tally(plan: PlanView) -> str:
    """How many tasks stand where, most wanted first; every task is counted once."""
    counts = Counter(_standing(task) for task in plan.tasks)
    return ", ".join(f"{counts[word]} {word}" for word in STANDINGS if counts[word]) or "no tasks"


def mark(task: TaskView) -> str:
    """One sign for where a task stands."""
    return "↶" if task.reverted_commit else MARKS.get(task.state, "·")


def _standing(task: TaskView) -> str:
    if task.reverted_commit:
        return REVERTED
    return READY if task.merge_ready else task.state.replace("_", " ")


def what_became(task: TaskView) -> str:
    """One task's fate in a line."""
    several = task.attempts_used > 1 and task.state is not TaskState.FAILED
    tries = f" after {task.attempts_used} attempts" if several else ""
    if task.state is TaskState.MERGED:
        landed = f"merged as {task.merged_commit[:9]}{tries}"
        back = task.reverted_commit[:9]
        return f"{REVERTED} with {back}, {landed}" if back else landed
    if task.state is TaskState.VERIFIED and task.pull_request and not task.held:
        return f"handed over{tries}: {safe_text(task.pull_request, one_line=True)}"
    if task.state is TaskState.VERIFIED and task.merge_ready and not task.held:
        return f"merge-ready{tries}: clerk merge {task.id}"
    why = task.held or task.reason or _closed_gate(task)
    if task.asks:
        why = f'{why} (clerk answer {task.id} "…")'
    if task.blocked_by and not why:
        why = f"waits for {', '.join(task.blocked_by)}"
    state = task.state.replace("_", " ")
    told = safe_text(f"{state}{tries}: {why}" if why else state, one_line=True)
    return told if len(told) <= _FATE else f"{told[: _FATE // 3]} … {told[-_FATE * 2 // 3 :]}"


def _closed_gate(task: TaskView) -> str:
    """Why a proven task has not landed; what landing itself opens is no reason while others are."""
    if task.state is not TaskState.VERIFIED:
        return ""
    closed = [gate for gate in task.gates if not gate.open]
    told = min(closed, key=lambda g: (not g.refused, URGENCY.get(g.name, 1)), default=None)
    return told.reason if told else ""

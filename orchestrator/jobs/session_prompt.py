"""Exactly what a task's next session is told: chosen here, shown by ``clerk brief``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator import agents, feedback, sandboxes
from orchestrator.brief import Standing, first_prompt, handover_prompt, next_prompt
from orchestrator.scheduling.footing import stood_on
from orchestrator.tests_first.rules import asked_of

if TYPE_CHECKING:
    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord
    from orchestrator.site import Records


@dataclass(frozen=True, slots=True)
class SessionPrompt:
    """The words, and the agent's own session id where that session is to go on."""

    text: str
    resume: str | None


async def session_prompt(records: Records, task: Task, record: TaskRecord) -> SessionPrompt:
    """The prompt of the session that ``record`` has, or would have next."""
    plan = records.book.plan(record.plan)
    budget, limit = plan.budget_of(task), records.settings.prompt_tokens
    tokens, cost = feedback.left_over(record, budget)
    standing = Standing(
        attempt=record.attempts_used + 1,
        attempts_left=feedback.attempts_left(record, budget),
        tokens_left=tokens,
        cost_left=cost,
        tests=asked_of(plan, task),
        tests_head=record.tests_head,
        has_door=_has_door(records, record),
        stands_on=tuple(stood_on(record)),
    )
    told = record.feedback or _untold(record)
    if not told:
        return SessionPrompt(first_prompt(plan, task, standing, budget_tokens=limit), None)
    _, profile = plan.agent_of(task)
    if record.session_id and agents.load(profile).can_resume:
        text = next_prompt(plan, task, standing, told, budget_tokens=limit)
        return SessionPrompt(text, record.session_id)
    changes = await _changes(records, record)
    standing = replace(standing, changes=changes)
    return SessionPrompt(handover_prompt(plan, task, standing, told, budget_tokens=limit), None)


def _has_door(records: Records, record: TaskRecord) -> bool:
    """A sandbox that shows nothing at another place shows no socket either."""
    sandbox = sandboxes.load(records.book.record(record.plan).sandbox)
    return sandbox.covers or not sandbox.confines


def _untold(record: TaskRecord) -> str:
    """What goes without saying to a session that nobody gave any feedback for."""
    if record.head and record.head == record.verified_head:
        return feedback.SENT_BACK
    if record.tests_head and record.head == record.tests_head and not record.session_id:
        return ""  # the tests are there, and nobody has begun the work
    return feedback.INTERRUPTED if record.session_id or record.head else ""


async def _changes(records: Records, record: TaskRecord) -> tuple[str, ...]:
    if not record.base or not record.head:
        return ()
    _, paths = await records.history.changes(record.base, record.head)
    return paths

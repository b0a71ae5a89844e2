"""Following plans to the point where nothing moves any more without a person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.outcome import exit_code, summary
from orchestrator.errors import EngineUnreachable, ExitCode
from orchestrator.events import EventKind

if TYPE_CHECKING:
    from orchestrator.api.client import EngineClient
    from orchestrator.api.models import PlanView, StatusView
    from orchestrator.cli.progress import Progress

REDRAW_SECONDS = 0.25


async def follow(client: EngineClient, plan: str, progress: Progress, *, after: int) -> PlanView:
    """Show everything that happens until ``plan`` has settled; returns how it ended.

    Raises EngineUnreachable when the engine goes away before.
    """
    try:
        async with anyio.create_task_group() as group:
            if progress.wants_status:
                group.start_soon(_redraw, client, plan, progress)
            await _until_settled(client, plan, progress, after)
            group.cancel_scope.cancel()
    finally:
        progress.close()
    return _find(await client.status(), plan)


async def _until_settled(client: EngineClient, plan: str, progress: Progress, after: int) -> None:
    if await _shown_history(client, plan, progress, after):
        return
    raise EngineUnreachable("the engine ended before the plan did; run the same command again")


async def _shown_history(client: EngineClient, plan: str, progress: Progress, after: int) -> bool:
    """Pass events on until the plan has settled; False when the engine ended first."""
    async for event in client.events(after):
        if event.plan in {plan, ""}:
            progress.event(event)
        if event.kind == EventKind.PLAN_SETTLED and event.plan == plan:
            current = _find(await client.status(), plan)
            if current.settled:
                return True
    return False


async def _redraw(client: EngineClient, plan: str, progress: Progress) -> None:
    while True:
        progress.status(_find(await client.status(), plan))
        await anyio.sleep(REDRAW_SECONDS)


def _find(status: StatusView, plan: str) -> PlanView:
    return next(view for view in status.plans if view.name == plan)


def conclude(plan: PlanView, *, json: bool) -> ExitCode:
    """Print what became of the plan, and return the exit code that says so."""
    code = exit_code(plan)
    if json:
        click.echo(_final_line(plan, code))
    else:
        for line in summary(plan, now=time.time()):
            click.echo(line)
    return code


def _final_line(plan: PlanView, code: ExitCode) -> str:
    import json

    tasks = {
        task.id: {
            "state": task.state,
            "reason": task.held or task.reason,
            "merged_commit": task.merged_commit,
        }
        for task in plan.tasks
    }
    return json.dumps(
        {"kind": "run_ended", "plan": plan.name, "exit_code": int(code), "tasks": tasks}
    )

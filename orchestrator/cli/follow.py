"""Following plans to the point where nothing moves any more without a person."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.outcome import exit_code, summary
from orchestrator.errors import ClerkError, EngineUnreachable, ExitCode
from orchestrator.events import EventKind

if TYPE_CHECKING:
    from orchestrator.api.client import EngineClient
    from orchestrator.api.models import PlanView, StatusView
    from orchestrator.cli.connection import Place
    from orchestrator.cli.progress import Progress

REDRAW_SECONDS = 0.25


Ask = Callable[[], Awaitable["StatusView"]]
"""How things stand, as the engine tells, or as it left them."""


async def follow(
    client: EngineClient, plan: str, progress: Progress, ask: Ask, *, after: int
) -> PlanView:
    """Show everything that happens until ``plan`` has settled; returns how it ended.

    Raises EngineUnreachable when the engine goes away before.
    """
    try:
        async with anyio.create_task_group() as group:
            if progress.wants_status:
                group.start_soon(_redraw, ask, plan, progress)
            settled = await _settled(client, plan, progress, ask, after)
            group.cancel_scope.cancel()
    finally:
        progress.close()
    if settled is None:
        raise EngineUnreachable("the engine ended before the plan did; run the same command again")
    return settled


async def _settled(
    client: EngineClient, plan: str, progress: Progress, ask: Ask, after: int
) -> PlanView | None:
    """Pass events on until the plan has settled; None when the engine ended first."""
    async for event in client.events(after):
        if event.plan in {plan, ""}:
            progress.event(event)
        if event.kind == EventKind.PLAN_SETTLED and event.plan == plan:
            current = _find(await ask(), plan)
            if current.settled:
                return current
    return None


async def _redraw(ask: Ask, plan: str, progress: Progress) -> None:
    while True:
        progress.status(_find(await ask(), plan))
        await anyio.sleep(REDRAW_SECONDS)


def asking(client: EngineClient, place: Place) -> Ask:
    """Ask somebody else's engine, which may end as soon as its plans have."""

    async def ask() -> StatusView:
        from orchestrator.api.stored import StoredState

        try:
            return await client.status()
        except ClerkError:
            async with StoredState.open(place.common_dir) as stored:
                return await stored.status()

    return ask


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

"""Waiting for ordered tasks to land, or for the reason why they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.api.models import ActionView, Refusal
from orchestrator.cli.outcome import what_became
from orchestrator.cli.progress import plain_line
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from orchestrator.api.client import EngineClient
    from orchestrator.api.models import EventView, StatusView, TaskView


async def until_landed(client: EngineClient, ordered: ActionView, *, after: int) -> ActionView:
    """Which of the ordered tasks (``plan/task``) landed; the others with the reason."""
    waiting = set(ordered.done)
    landed: list[str] = []
    refused = list(ordered.refused)
    whys: dict[str, str] = {}

    def settle(status: StatusView, seen: int) -> None:
        for name in sorted(waiting):
            task = _find(status, name)
            if task.state is TaskState.MERGED:
                landed.append(name)
            elif _is_under_way(task) or not (task.held or name in whys or seen >= status.last_seq):
                continue  # it goes on, or what ended its wait is still to be read
            else:
                why = whys.get(name) or what_became(task)
                refused.append(Refusal(task=name, reason=f"did not land: {why}"))
            waiting.discard(name)

    settle(await client.status(), after)
    if waiting:
        async for event in client.events(after):
            if f"{event.plan}/{event.task}" in waiting:
                whys |= _why_left(event)
                click.echo(plain_line(event), err=True)
                settle(await client.status(), event.seq)
            if not waiting:
                break
    refused += [Refusal(task=name, reason="the engine ended before it landed") for name in waiting]
    return ActionView(done=tuple(landed), refused=tuple(refused))


async def until_reverted(client: EngineClient, key: tuple[str, str], *, after: int) -> ActionView:
    """Whether a landed task, ordered to be taken back, is off the target, or why it is not."""
    name = "/".join(key)

    def settled(status: StatusView) -> ActionView | None:
        task = _find(status, name)
        if task.reverted_commit:
            return ActionView(done=(name,))
        if task.held or not task.revert_requested:
            why = task.held or task.reason
            return ActionView(refused=(Refusal(task=name, reason=why),))
        return None

    if (found := settled(await client.status())) is not None:
        return found
    async for event in client.events(after):
        if (event.plan, event.task) == key:
            click.echo(plain_line(event), err=True)
            if (found := settled(await client.status())) is not None:
                return found
    reason = "the engine ended before it was taken back"
    return ActionView(refused=(Refusal(task=name, reason=reason),))


def _why_left(event: EventView) -> dict[str, str]:
    """Why a task left the queue; by the time one asks, something else may be said of it."""
    to = str(event.data.get("to", ""))
    if not to or to in _IN_THE_QUEUE:
        return {}
    state = to.replace("_", " ")
    why = f"{state}: {event.message}" if event.message else state
    return {f"{event.plan}/{event.task}": why}


_IN_THE_QUEUE = frozenset({TaskState.VERIFIED, TaskState.MERGING, TaskState.MERGED})


def _is_under_way(task: TaskView) -> bool:
    """Whether the engine will land the task, or say why not, without anybody's help."""
    waits = task.state is TaskState.VERIFIED and task.merge_requested and not task.held
    return waits or task.state is TaskState.MERGING


def _find(status: StatusView, name: str) -> TaskView:
    return next(t for p in status.plans for t in p.tasks if f"{t.plan}/{t.id}" == name)

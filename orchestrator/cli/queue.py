"""The line to land: who stands where and what for, who comes first, and what is taken back."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.connection import (
    find_place,
    find_task,
    foreseen,
    only_plan,
    ordering,
    print_json,
)
from orchestrator.cli.orders import json_option, repo_option, tell
from orchestrator.errors import ExitCode
from orchestrator.safe_text import safe_text
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.api.models import ActionView, QueueView, StatusView
    from orchestrator.cli.connection import Place


@click.group(invoke_without_command=True)
@repo_option
@json_option
@click.pass_context
def queue(ctx: click.Context, repo: str | None, as_json: bool) -> int | None:
    """Show who lands next, and what each waits for."""
    return None if ctx.invoked_subcommand else anyio.run(_show, repo, as_json)


@queue.command()
@click.argument("task")
@repo_option
@json_option
def up(task: str, repo: str | None, as_json: bool) -> int:
    """Have TASK come sooner, for a session as for landing."""
    return _rank(task, 1, repo, as_json=as_json)


@queue.command()
@click.argument("task")
@repo_option
@json_option
def down(task: str, repo: str | None, as_json: bool) -> int:
    """Have TASK come later."""
    return _rank(task, -1, repo, as_json=as_json)


@queue.command()
@click.argument("task")
@repo_option
@json_option
def out(task: str, repo: str | None, as_json: bool) -> int:
    """Take TASK out of the line; it stays proven."""
    return _withdraw(task, repo, as_json=as_json, withdrawn=True)


@queue.command(name="in")
@click.argument("task")
@repo_option
@json_option
def back_in(task: str, repo: str | None, as_json: bool) -> int:
    """Let TASK back into the line."""
    return _withdraw(task, repo, as_json=as_json, withdrawn=False)


@queue.command()
@click.option("--plan", help="Which plan, when several are known.")
@repo_option
@json_option
def pause(plan: str | None, repo: str | None, as_json: bool) -> int:
    """Land nothing of a plan for now; its sessions go on."""
    return anyio.run(_hold, plan, repo, as_json, True)


@queue.command()
@click.option("--plan", help="Which plan, when several are known.")
@repo_option
@json_option
def resume(plan: str | None, repo: str | None, as_json: bool) -> int:
    """Let the tasks of a plan land again."""
    return anyio.run(_hold, plan, repo, as_json, False)


@click.command()
@click.argument("task")
@click.option(
    "--update-checkout", is_flag=True, help="Fast-forward a clean checkout of the target."
)
@click.option("--no-wait", is_flag=True, help="Return when ordered, not when it is off the target.")
@click.option("--yes", is_flag=True, help="Do not ask, whatever landed on top needs it.")
@repo_option
@json_option
def revert(
    *,
    task: str,
    update_checkout: bool,
    no_wait: bool,
    yes: bool,
    repo: str | None,
    as_json: bool,
) -> int:
    """Take TASK back from the target: the result is verified first, as any landing is."""
    place = find_place(repo)
    staying = anyio.run(foreseen, place, partial(_staying, reference=task))
    if staying and not yes and (as_json or not sys.stdin.isatty()):
        return _refuse(task, staying, as_json=as_json)
    if staying:
        click.echo(_safe(f"{task}: {staying}"), err=True)
        if not yes and not click.confirm(f"Take {_safe(task)} back all the same?", err=True):
            click.echo("nothing was taken back", err=True)
            return ExitCode.DONE
    return anyio.run(_revert, place, task, update_checkout, no_wait, as_json)


def _staying(status: StatusView, reference: str) -> str:
    """What becomes of those that have landed and need the task; empty where there are none."""
    from orchestrator.api.dependants import landed_dependants

    task = find_task(status, reference)
    plan = next(plan for plan in status.plans if plan.name == task.plan)
    names = landed_dependants(plan, task.id)
    if not names or task.reverted_commit or task.state is not TaskState.MERGED:
        return ""
    need, stay = ("needs it and stays", "its") if len(names) == 1 else ("need it and stay", "their")
    return (
        f"{', '.join(names)} landed after it, {need} on {plan.target}; it is taken back only if "
        f"{stay} checks pass without it"
    )


def _refuse(task: str, staying: str, *, as_json: bool) -> int:
    """Nobody can be asked here."""
    from orchestrator.api.models import ActionView, Refusal

    reason = f"{staying}; to take it back all the same say --yes"
    action = ActionView(refused=(Refusal(task=task, reason=reason),))
    return tell(action, as_json=as_json, verb="taken back")


async def _revert(
    place: Place, reference: str, update_checkout: bool, no_wait: bool, as_json: bool
) -> int:
    from orchestrator.cli.waiting import until_reverted

    meant = partial(find_task, reference=reference)
    async with ordering(place, meant) as (client, status, task):
        ordered = await client.revert(task.plan, task.id, update_checkout=update_checkout)
        if no_wait or not ordered.done:
            return tell(ordered, as_json=as_json, verb="ordered to be taken back")
        done = await until_reverted(client, (task.plan, task.id), after=status.last_seq)
    return tell(done, as_json=as_json, verb="taken back")


def _rank(task: str, by: int, repo: str | None, *, as_json: bool) -> int:
    async def go() -> ActionView:
        meant = partial(find_task, reference=task)
        async with ordering(find_place(repo), meant) as (client, _, found):
            return await client.rank(found.plan, found.id, by)

    return tell(anyio.run(go), as_json=as_json, verb="comes sooner" if by > 0 else "comes later")


def _withdraw(task: str, repo: str | None, *, as_json: bool, withdrawn: bool) -> int:
    async def go() -> ActionView:
        meant = partial(find_task, reference=task)
        async with ordering(find_place(repo), meant) as (client, _, found):
            return await client.withdraw(found.plan, found.id, withdrawn=withdrawn)

    verb = "out of the line" if withdrawn else "back in line"
    return tell(anyio.run(go), as_json=as_json, verb=verb)


async def _hold(plan: str | None, repo: str | None, as_json: bool, paused: bool) -> int:
    meant = partial(only_plan, wanted=plan)
    async with ordering(find_place(repo), meant) as (client, _, name):
        action = await client.hold_landing(name, paused=paused)
    return tell(action, as_json=as_json, verb="lands nothing" if paused else "lands again")


async def _show(repo: str | None, as_json: bool) -> int:
    from orchestrator.cli.show import reading

    async with reading(find_place(repo)) as reader:
        queues = (await reader.status()).queues
    if as_json:
        from orchestrator.api.models import QueuesView

        print_json(QueuesView(queues=queues).model_dump_json())
        return 0
    for line in (line for one in queues for line in _lines(one)):
        click.echo(line)
    if not queues:
        click.echo("nothing is in line", err=True)
    return 0


def _lines(one: QueueView) -> Iterator[str]:
    """One queue: how it works, or why all of it waits, then a line for each in it."""
    if one.held:
        yield _safe(f"{one.target} waits: {one.held}")
    else:
        how = f"{one.target} at {one.commit[:9]}: {one.mode}, {one.slots} at once"
        yield _safe(f"{how}, {one.failure_rate:.0%} expected to be red")
    for entry in one.entries:
        why = "" if one.held else f": {entry.reason}"
        what = "taking back " if entry.reverts else ""
        told = _safe(f"{what}{entry.plan}/{entry.task}{why}")
        yield f"{entry.position:>3} {entry.standing:<9} {told}"


def _safe(text: str) -> str:
    return safe_text(text, one_line=True)

"""The line to land: who stands where and what for, who comes first, and what is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.connection import engine, find_place, find_task, only_plan, print_json
from orchestrator.cli.orders import json_option, repo_option, tell
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.api.models import ActionView, QueueView


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
@repo_option
@json_option
def revert(task: str, update_checkout: bool, no_wait: bool, repo: str | None, as_json: bool) -> int:
    """Take TASK back from the target: the result is verified first, as any landing is."""
    return anyio.run(_revert, task, update_checkout, no_wait, repo, as_json)


async def _revert(
    reference: str, update_checkout: bool, no_wait: bool, repo: str | None, as_json: bool
) -> int:
    from orchestrator.cli.waiting import until_reverted

    async with engine(find_place(repo), start=True) as client:
        status = await client.status()
        task = find_task(status, reference)
        ordered = await client.revert(task.plan, task.id, update_checkout=update_checkout)
        if no_wait or not ordered.done:
            return tell(ordered, as_json=as_json, verb="ordered to be taken back")
        done = await until_reverted(client, (task.plan, task.id), after=status.last_seq)
    return tell(done, as_json=as_json, verb="taken back")


def _rank(task: str, by: int, repo: str | None, *, as_json: bool) -> int:
    async def go() -> ActionView:
        async with engine(find_place(repo), start=True) as client:
            found = find_task(await client.status(), task)
            return await client.rank(found.plan, found.id, by)

    return tell(anyio.run(go), as_json=as_json, verb="comes sooner" if by > 0 else "comes later")


def _withdraw(task: str, repo: str | None, *, as_json: bool, withdrawn: bool) -> int:
    async def go() -> ActionView:
        async with engine(find_place(repo), start=True) as client:
            found = find_task(await client.status(), task)
            return await client.withdraw(found.plan, found.id, withdrawn=withdrawn)

    verb = "out of the line" if withdrawn else "back in line"
    return tell(anyio.run(go), as_json=as_json, verb=verb)


async def _hold(plan: str | None, repo: str | None, as_json: bool, paused: bool) -> int:
    async with engine(find_place(repo), start=True) as client:
        name = only_plan(await client.status(), plan)
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

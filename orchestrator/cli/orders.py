"""Orders to the engine: approve, merge, retry, cancel, pause, resume, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.connection import find_place, find_task, only_plan, ordering, print_json
from orchestrator.errors import ExitCode, UsageError
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from orchestrator.api.client import EngineClient
    from orchestrator.api.models import ActionView, Refusal, StatusView, TaskView

Order = Callable[["EngineClient", "TaskView"], Awaitable["ActionView"]]

repo_option = click.option("--repo", metavar="DIR", help="Repository, instead of this folder's.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("task")
@repo_option
@json_option
def approve(task: str, repo: str | None, as_json: bool) -> int:
    """Approve TASK, as it is now, for landing."""
    return _order_task(
        task, repo, as_json=as_json, order=lambda c, t: c.approve(t.plan, t.id), verb="approved"
    )


@click.command()
@click.argument("task")
@click.option("--note", default="", help="What its agent should know.")
@repo_option
@json_option
def retry(task: str, note: str, repo: str | None, as_json: bool) -> int:
    """Send TASK back to its agent, with a fresh budget."""
    return _order_task(
        task,
        repo,
        as_json=as_json,
        order=lambda c, t: c.retry(t.plan, t.id, note),
        verb="sent back",
    )


@click.command()
@click.argument("task")
@repo_option
@json_option
def cancel(task: str, repo: str | None, as_json: bool) -> int:
    """Stop TASK; what depends on it is settled with it."""
    return _order_task(
        task, repo, as_json=as_json, order=lambda c, t: c.cancel(t.plan, t.id), verb="cancelled"
    )


@click.command()
@click.argument("task")
@click.argument("text")
@repo_option
@json_option
def answer(task: str, text: str, repo: str | None, as_json: bool) -> int:
    """Answer the question that TASK's agent asked."""
    return _order_task(
        task,
        repo,
        as_json=as_json,
        order=lambda c, t: c.answer(t.plan, t.id, text),
        verb="answered",
    )


@click.command()
@click.argument("task", required=False)
@click.option("--plan", help="Which plan, when several are known.")
@repo_option
@json_option
def pause(task: str | None, plan: str | None, repo: str | None, as_json: bool) -> int:
    """Start no further session of TASK, or of the whole plan."""
    return _pause_or_resume(task, plan, repo, as_json=as_json, verb="pause")


@click.command()
@click.argument("task", required=False)
@click.option("--plan", help="Which plan, when several are known.")
@repo_option
@json_option
def resume(task: str | None, plan: str | None, repo: str | None, as_json: bool) -> int:
    """Go on with TASK, or with the whole plan."""
    return _pause_or_resume(task, plan, repo, as_json=as_json, verb="resume")


@click.command()
@click.argument("tasks", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every task that is merge-ready.")
@click.option("--plan", help="Which plan, when several are known.")
@click.option(
    "--update-checkout", is_flag=True, help="Fast-forward a clean checkout of the target."
)
@click.option("--no-wait", is_flag=True, help="Return when ordered, not when landed.")
@repo_option
@json_option
def merge(
    *,
    tasks: tuple[str, ...],
    everything: bool,
    plan: str | None,
    update_checkout: bool,
    no_wait: bool,
    repo: str | None,
    as_json: bool,
) -> int:
    """Land TASKS on the target: each is verified as merged first."""
    if bool(tasks) == everything:
        raise UsageError("name the tasks to merge, or say --all")
    return anyio.run(_merge, tasks, plan, update_checkout, no_wait, repo, as_json)


async def _merge(
    tasks: tuple[str, ...],
    plan: str | None,
    update_checkout: bool,
    no_wait: bool,
    repo: str | None,
    as_json: bool,
) -> int:
    from orchestrator.cli.waiting import until_landed

    def meant(status: StatusView) -> dict[str, tuple[str, ...]]:
        return _meant(status, tasks, plan)

    async with ordering(find_place(repo), meant) as (client, status, wanted):
        ordered = await _order_landing(client, wanted, update_checkout)
        if no_wait or not ordered.done:
            return tell(ordered, as_json=as_json, verb="ordered to land")
        landed = await until_landed(client, ordered, after=status.last_seq)
    return tell(landed, as_json=as_json, verb="landed")


def _meant(
    status: StatusView, tasks: tuple[str, ...], plan: str | None
) -> dict[str, tuple[str, ...]]:
    """What is to land, by plan; all that is ready where no task is named."""
    if not tasks:
        return {only_plan(status, plan): ()}
    chosen = [find_task(status, name) for name in tasks]
    plans = dict.fromkeys(task.plan for task in chosen)
    return {name: tuple(task.id for task in chosen if task.plan == name) for name in plans}


async def _order_landing(
    client: EngineClient, wanted: dict[str, tuple[str, ...]], update_checkout: bool
) -> ActionView:
    """Order landing, plan by plan; ``done`` names tasks as ``plan/task``."""
    from orchestrator.api.models import ActionView, TaskSelection

    done: list[str] = []
    refused: list[Refusal] = []
    for name, ids in wanted.items():
        selection = TaskSelection(tasks=ids, all=not ids, update_checkout=update_checkout)
        action = await client.merge(name, selection)
        done += [f"{name}/{task}" for task in action.done]
        refused += action.refused
    return ActionView(done=tuple(done), refused=tuple(refused))


def _order_task(reference: str, repo: str | None, *, as_json: bool, order: Order, verb: str) -> int:
    async def go() -> ActionView:
        def meant(status: StatusView) -> TaskView:
            return find_task(status, reference)

        async with ordering(find_place(repo), meant) as (client, _, found):
            return await order(client, found)

    return tell(anyio.run(go), as_json=as_json, verb=verb)


def _pause_or_resume(
    task: str | None, plan: str | None, repo: str | None, *, as_json: bool, verb: str
) -> int:
    async def go() -> ActionView:
        def meant(status: StatusView) -> tuple[str, str | None]:
            if task is None:
                return only_plan(status, plan), None
            found = find_task(status, task)
            return found.plan, found.id

        async with ordering(find_place(repo), meant) as (client, _, (name, wanted)):
            act = client.pause if verb == "pause" else client.resume
            return await act(name, wanted)

    return tell(anyio.run(go), as_json=as_json, verb="paused" if verb == "pause" else "resumed")


def tell(action: ActionView, *, as_json: bool, verb: str) -> int:
    """Print what was done to stdout and what was refused to stderr; 3 when anything was refused."""
    if as_json:
        print_json(action.model_dump_json())
    else:
        for task in action.done:
            click.echo(f"{task}: {verb}")
        for refusal in action.refused:
            click.echo(safe_text(f"{refusal.task}: {refusal.reason}"), err=True)
        if not (action.done or action.refused):
            click.echo("nothing to do", err=True)
    return ExitCode.PERSON_NEEDED if action.refused else ExitCode.DONE

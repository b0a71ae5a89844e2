"""``clerk check``: have the work verified as it stands, by whoever works on it.

In a session the token says whose work is meant; a person's is known by the folder. The answer goes
to stdout; a line for each check that ends goes to stderr, since tools that run us take long silence
for a hang. An agent's tools also have time-outs: in a session we answer with what is known before
those strike, and the checks go on until they are asked for again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from orchestrator.cli.check_answer import answer_lines, heard, line_of
from orchestrator.cli.connection import engine, find_place, find_task, print_json
from orchestrator.cli.orders import json_option, repo_option
from orchestrator.cli.session import in_session, session_client
from orchestrator.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from orchestrator.api.check_views import CheckAnswer, CheckLine, CheckRequest
    from orchestrator.api.models import StatusView, TaskView

SESSION_PATIENCE_SECONDS = 100.0
"""Agents' tools give a command two minutes, some of them."""

_LONGEST_SECONDS = 86_400.0


def _duration(_context: click.Context, _parameter: click.Parameter, told: str | None) -> object:
    from orchestrator.plan.values import parse_duration

    try:
        seconds = parse_duration(told)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if isinstance(seconds, float) and not 0 < seconds <= _LONGEST_SECONDS:
        raise click.BadParameter("it must be more than nothing, and a day at most")
    return seconds


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Go on after a check that did not pass.")
@click.option("--no-cache", is_flag=True, help="Run again what has passed on this very tree.")
@click.option(
    "--timeout",
    callback=_duration,
    metavar="TIME",
    help="Answer with what is known by then, e.g. 90s, while the checks go on; 100s in a session.",
)
@click.option("--task", help="Whose criteria, where the folder does not tell.")
@repo_option
@json_option
def check(
    *,
    names: tuple[str, ...],
    everything: bool,
    no_cache: bool,
    timeout: float | None,
    task: str | None,
    repo: str | None,
    as_json: bool,
) -> int:
    """Verify the work in this folder as it stands, uncommitted files too.

    All criteria of the task, or only the checks NAME and what they need. What passes here is not
    run again when the work is done.
    """
    from orchestrator.api.check_views import CheckRequest

    own = in_session() and task is None and repo is None
    request = CheckRequest(
        checks=names,
        everything=everything,
        use_cache=not no_cache,
        patience_seconds=timeout or (SESSION_PATIENCE_SECONDS if own else None),
    )
    answer = anyio.run(_as_session, request) if own else anyio.run(_as_owner, request, task, repo)
    if as_json:
        print_json(answer.model_dump_json())
    else:
        click.echo("\n".join(answer_lines(answer)))
    return ExitCode.DONE if answer.passed else ExitCode.TASK_FAILED


async def _as_session(request: CheckRequest) -> CheckAnswer:
    async with session_client() as client:
        return await heard(client.check(request), _say)


async def _as_owner(request: CheckRequest, task: str | None, repo: str | None) -> CheckAnswer:
    from orchestrator.api.check_views import OwnerCheckRequest

    place, folder = find_place(repo), Path(repo or ".").resolve()
    async with engine(place) as client:
        status = await client.status()
        found = find_task(status, task) if task else _task_at(status, folder)
        told = OwnerCheckRequest(**request.model_dump(), folder=str(folder))
        return await heard(client.check(found.plan, found.id, told), _say)


def _task_at(status: StatusView, folder: Path) -> TaskView:
    """The task whose worktree ``folder`` is in, or whose branch is checked out there."""
    from orchestrator.git.command import run_as_user

    tasks = [task for plan in status.plans for task in plan.tasks]
    for task in tasks:
        if task.worktree and folder.is_relative_to(Path(task.worktree).resolve()):
            return task
    branch = run_as_user("symbolic-ref", "-q", "--short", "HEAD", start=folder).text
    for task in tasks:
        if branch and task.branch == branch:
            return task
    raise UsageError("this folder is no task's worktree and on no task's branch; say --task TASK")


async def _say(line: CheckLine) -> None:
    for text in line_of(line):
        click.echo(text, err=True)

"""Reading commands: status, log, diff, brief. They change nothing and start nothing."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from orchestrator.cli.connection import (
    Place,
    find_place,
    find_task,
    only_plan,
    print_json,
    print_json_line,
)
from orchestrator.cli.orders import json_option, repo_option
from orchestrator.errors import NothingStored, UsageError
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from orchestrator.api.models import BriefView, CheckView, PlanView, StatusView, TaskView
    from orchestrator.api.reader import Reading
    from orchestrator.api.timing_views import TimingView

T = TypeVar("T")
FOLLOW_SECONDS = 0.3
LEFT = "no engine runs here, so nothing moves (clerk start goes on); this is how it was left"


@asynccontextmanager
async def reading(place: Place) -> AsyncIterator[Reading]:
    """The engine where one runs, the stored state where none does."""
    if place.socket is not None:
        from orchestrator.api.client import EngineClient

        async with EngineClient.on_socket(place.socket) as client:
            yield client
    else:
        from orchestrator.api.stored import StoredState

        async with StoredState.open(place.common_dir) as stored:
            yield stored


def ask(repo: str | None, question: Callable[[Reading], Awaitable[T]]) -> T:
    """Run one question against whatever can answer it."""
    import anyio

    answers: list[T] = []  # not returned by the loop, which makes a text of what it returns

    async def go() -> None:
        async with reading(find_place(repo)) as source:
            answers.append(await question(source))

    anyio.run(go)
    return answers[0]


@click.command()
@click.argument("task", required=False)
@click.option("--plan", help="Only this plan.")
@click.option("--timing", is_flag=True, help="How fast verification is instead, check by check.")
@click.option("--conflicts", is_flag=True, help="Which branches in flight will conflict instead.")
@repo_option
@json_option
def status(
    task: str | None,
    plan: str | None,
    *,
    timing: bool,
    conflicts: bool,
    repo: str | None,
    as_json: bool,
) -> None:
    """Show where every task stands, or everything about TASK."""
    if conflicts:
        if task is not None or plan is not None:
            raise click.UsageError("--conflicts tells of all branches in flight.")
        _show_conflicts(repo, as_json=as_json)
        return
    if timing:
        _show_timing(task, plan, repo, as_json=as_json)
        return
    if task is not None:
        _show_task(f"{plan}/{task}" if plan else task, repo, as_json=as_json)
        return
    answer = _status(repo)
    if plan is not None:
        plans = tuple(p for p in answer.plans if p.name == plan)
        if not plans:
            known = ", ".join(p.name for p in answer.plans) or "none"
            raise UsageError(f"no plan {plan!r} is known here; known: {known}")
        answer = answer.model_copy(update={"plans": plans})
    if as_json:
        print_json(answer.model_dump_json())
        return
    for line in _status_lines(answer):
        click.echo(line)


def _show_timing(task: str | None, plan: str | None, repo: str | None, *, as_json: bool) -> None:
    from orchestrator.cli.timing_page import timing_lines

    if task is not None:
        raise UsageError("--timing is of whole plans; leave TASK out, or say --plan")

    async def question(source: Reading) -> list[TimingView]:
        names = [only_plan(known, plan)] if plan else [each.name for each in known.plans]
        return [await source.timing(name) for name in names]

    known = _status(repo)
    timings = ask(repo, question) if known.plans or plan else []
    if as_json:
        print_json(json.dumps({"plans": [each.model_dump() for each in timings]}))
        return
    for line in timing_lines(timings):
        click.echo(line)


def _show_conflicts(repo: str | None, *, as_json: bool) -> None:
    from orchestrator.api.conflict_views import ConflictsView
    from orchestrator.cli.conflict_matrix import matrix

    try:
        answer = ask(repo, lambda source: source.conflicts())
    except NothingStored:
        answer = ConflictsView()
    if as_json:
        print_json(answer.model_dump_json())
        return
    for line in matrix(answer):
        click.echo(line)


def _status(repo: str | None) -> StatusView:
    """Where everything stands; nothing at all is an answer, too."""
    from orchestrator.api.models import EngineView, StatusView

    try:
        return ask(repo, lambda source: source.status())
    except NothingStored:
        place = find_place(repo)
        return StatusView(engine=EngineView(running=False, repository=str(place.common_dir)))


def _status_lines(answer: StatusView) -> list[str]:
    lines = [] if answer.engine.running else [LEFT, ""]
    for plan in answer.plans:
        lines += [*_plan_lines(plan), ""]
    if not answer.plans:
        lines.append("no plan was started here yet; start one with: clerk run PLAN")
    return lines


def _plan_lines(plan: PlanView) -> list[str]:
    from orchestrator.cli.outcome import tally

    marks = [word for word, on in (("paused", plan.paused), ("settled", plan.settled)) if on]
    head = f"plan {plan.name} → {plan.target} ({plan.merge} merge)  {tally(plan)}"
    width = max((len(task.id) for task in plan.tasks), default=0)
    rows = [_task_line(task, width) for task in plan.tasks]
    told = (*plan.warnings, *(behind.reason for behind in plan.behind))
    warnings = [safe_text(f"! {warning}", one_line=True) for warning in told]
    return ["  ".join([head, *marks]), *warnings, *rows]


def _task_line(task: TaskView, width: int) -> str:
    from orchestrator.cli.outcome import what_became

    marks = {
        "passed": "✓",
        "failed": "✗",
        "errored": "!",
        "timed_out": "⧖",
        "flaky": "~",
        "skipped": "-",
        None: "·",
    }
    checks = " ".join(f"{check.name}{marks[_state(check)]}" for check in task.checks)
    diff = f"+{task.diff.insertions} -{task.diff.deletions}" if task.diff else ""
    told = f"  {task.id:<{width}}  {what_became(task)}"
    return safe_text("  ".join(part for part in (told, checks, diff) if part), limit=300)


def _state(check: CheckView) -> str | None:
    return "skipped" if check.skipped else check.verdict


def _show_task(reference: str, repo: str | None, *, as_json: bool) -> None:
    async def question(source: Reading) -> str:
        found = find_task(await source.status(), reference)
        detail = await source.task(found.plan, found.id)
        if as_json:
            return detail.model_dump_json()
        from orchestrator.cli.task_page import task_page

        return "\n".join(task_page(detail, now=time.time()))

    told = ask(repo, question)
    if as_json:
        print_json(told)
    else:
        click.echo(told)


@click.command()
@click.argument("task")
@click.option("-f", "--follow", is_flag=True, help="Go on as the session goes on.")
@click.option("--attempt", type=click.IntRange(1), help="Which session (default: the newest).")
@repo_option
@json_option
def log(task: str, follow: bool, attempt: int | None, repo: str | None, as_json: bool) -> None:
    """Print the transcript of TASK's session."""
    import anyio

    async def go() -> None:
        async with reading(find_place(repo)) as source:
            found = find_task(await source.status(), task)
            at = 0
            while True:
                chunk = await source.log(found.plan, found.id, attempt=attempt, after=at)
                if as_json and (chunk.text or not follow):
                    print_json_line(chunk.model_dump_json())
                elif chunk.text:
                    click.echo(safe_text(chunk.text), nl=False)
                moved, at = chunk.next > at, chunk.next
                if not moved and (chunk.ended or not follow):
                    return
                if not moved:
                    await anyio.sleep(FOLLOW_SECONDS)

    anyio.run(go)


@click.command()
@click.argument("task")
@click.option("--stat", is_flag=True, help="Only the numbers.")
@repo_option
@json_option
def diff(task: str, stat: bool, repo: str | None, as_json: bool) -> None:
    """Print what TASK changed."""

    async def question(source: Reading) -> None:
        found = find_task(await source.status(), task)
        view = await source.diff(found.plan, found.id)
        if as_json:
            print_json(view.stat.model_dump_json() if stat else view.model_dump_json())
            return
        if not stat:
            click.echo(safe_text(view.text), nl=False)
        if view.truncated:
            click.echo(
                f"the diff is cut here; the whole one: git diff {found.base} {found.head}", err=True
            )
        files = "1 file" if view.stat.files == 1 else f"{view.stat.files} files"
        numbers = f"{files}, +{view.stat.insertions} -{view.stat.deletions}"
        click.echo(numbers, err=not stat)

    ask(repo, question)


@click.command()
@click.argument("task", required=False)
@repo_option
@json_option
def brief(task: str | None, repo: str | None, as_json: bool) -> None:
    """Print exactly what TASK's next session will be told.

    Without TASK, within a session: what that session was told.
    """
    view = _own_brief() if task is None else _brief_of(task, repo)
    if as_json:
        print_json(view.model_dump_json())
        return
    click.echo(safe_text(view.text))
    kind = "resumed" if view.resumed else "fresh"
    click.echo(f"attempt {view.attempt}, {kind} session, about {view.tokens} tokens", err=True)


def _brief_of(task: str, repo: str | None) -> BriefView:
    async def question(source: Reading) -> BriefView:
        found = find_task(await source.status(), task)
        return await source.brief(found.plan, found.id)

    return ask(repo, question)


def _own_brief() -> BriefView:
    from orchestrator.cli.session import in_session, own_brief

    if not in_session():
        raise click.UsageError("Missing argument 'TASK'.")
    return own_brief()

"""Showing a run as it happens: a line a task on a terminal, plain lines in a pipe, or NDJSON.

Progress is talk and goes to stderr; NDJSON events are data and go to stdout.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

import click

from orchestrator.cli.connection import print_json_line
from orchestrator.cli.outcome import mark, tally, what_became
from orchestrator.events import EventKind
from orchestrator.plan.values import show_duration
from orchestrator.safe_text import safe_text
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from orchestrator.api.models import EventView, PlanView, TaskView

MOVING = {TaskState.RUNNING: "●", TaskState.VERIFYING: "◐", TaskState.MERGING: "◑"}
_SILENT = frozenset({EventKind.SESSION_PROGRESSED, EventKind.CHECK_ENDED})


class Progress(Protocol):
    """Follows one plan."""

    wants_status: bool

    def event(self, event: EventView) -> None:
        """Something happened."""

    def status(self, plan: PlanView) -> None:
        """How the plan stands; told only where ``wants_status``."""

    def close(self) -> None:
        """Nothing more will come."""


class JsonProgress:
    """Every event as one JSON line on stdout."""

    wants_status = False

    def event(self, event: EventView) -> None:
        print_json_line(event.model_dump_json())

    def status(self, plan: PlanView) -> None: ...

    def close(self) -> None: ...


class PlainProgress:
    """One line for what matters, for pipes and logs."""

    wants_status = False

    def event(self, event: EventView) -> None:
        if event.kind not in _SILENT:
            click.echo(plain_line(event), err=True)

    def status(self, plan: PlanView) -> None: ...

    def close(self) -> None: ...


class LiveProgress:
    """A line for each task, redrawn in place; tasks beyond the screen are counted."""

    wants_status = True

    def __init__(self) -> None:
        self._live: Live | None = None

    def event(self, event: EventView) -> None:
        if event.kind is EventKind.WARNING or event.kind == EventKind.BASELINE_VERIFIED:
            self._say(plain_line(event))

    def status(self, plan: PlanView) -> None:
        if self._live is None:
            self._live = _new_live()
            self._live.start()
        self._live.update(_drawn(plan, self._live.console.height - 3), refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _say(self, line: str) -> None:
        if self._live is None:
            click.echo(line, err=True)
        else:
            self._live.console.print(line, markup=False, highlight=False)


def choose_progress(*, json: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if json:
        return JsonProgress()
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


def plain_line(event: EventView) -> str:
    """One event for people: the time, the task, what happened."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.at))
    about = event.task or event.plan
    told = event.message or event.kind.replace("_", " ")
    if event.kind == EventKind.TASK_CHANGED:
        state = str(event.data.get("to", "")).replace("_", " ")
        told = f"{state}: {event.message}" if event.message else state
    return safe_text(f"{clock} {about:<20} {told}", one_line=False, limit=400)


def _new_live() -> Live:
    from rich.console import Console
    from rich.live import Live

    return Live(console=Console(stderr=True), auto_refresh=False, transient=True)


def _drawn(plan: PlanView, rows: int) -> Group:
    from rich.console import Group
    from rich.text import Text

    shown = sorted(plan.tasks, key=_interest)[: max(1, rows)]
    width = max((len(task.id) for task in shown), default=0)
    lines = [Text(_line(task, width), no_wrap=True, overflow="ellipsis") for task in shown]
    elapsed = show_duration(round(max(0.0, time.time() - plan.started_at)))
    return Group(*lines, Text(f"{tally(plan)} · {elapsed}", style="bold", no_wrap=True))


def _interest(task: TaskView) -> int:
    """What moves is shown first when not all lines fit."""
    order = (*MOVING, TaskState.NEEDS_INPUT, TaskState.RETRY_QUEUED, TaskState.VERIFIED)
    return order.index(task.state) if task.state in order else len(order)


def _line(task: TaskView, width: int) -> str:
    sign = MOVING.get(task.state) or mark(task)
    since = show_duration(round(max(0.0, time.time() - task.state_since)))
    if task.state is TaskState.RUNNING:
        told = f"attempt {task.attempt} · {since} · {task.activity}"
    elif task.state in MOVING:
        running = ", ".join(check.name for check in task.checks if check.running)
        told = f"{task.state} {running} · {since}"
    else:
        told = what_became(task)
    return safe_text(f"{sign} {task.id:<{width}}  {told}", one_line=False, limit=300).replace(
        "\n", " "
    )

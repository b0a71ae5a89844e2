"""From a folder on disk to an engine: which repository, does one run, start one.

Reading commands work without an engine, from the stored state; ordering commands start one in
the background when none runs, and say so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from orchestrator.errors import CannotRun, EngineUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from orchestrator.api.client import EngineClient
    from orchestrator.api.models import StatusView, TaskView

T = TypeVar("T")
START_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """The repository a command is about, and where its engine would listen."""

    common_dir: Path
    state_dir: Path

    @property
    def socket(self) -> Path | None:
        """The socket of the engine that holds the lock; None when none runs."""
        from orchestrator.locks import EngineLock

        holder = EngineLock(self.state_dir / "lock").holder()
        return Path(holder.socket) if holder is not None and holder.socket else None


def find_place(repo: str | None = None) -> Place:
    """The repository at or above ``repo`` (the current folder by default)."""
    from orchestrator.git.repository import Repository

    repository = Repository.discover(Path(repo) if repo else Path.cwd())
    return Place(repository.common_dir, repository.state_dir)


@asynccontextmanager
async def engine(place: Place, *, start: bool = False) -> AsyncIterator[EngineClient]:
    """A client of the repository's engine; ``start`` one in the background if none runs."""
    from orchestrator.api.client import EngineClient

    socket = place.socket
    if socket is None:
        if not start:
            raise EngineUnreachable("no engine runs here; start one with: clerk start")
        socket = start_engine(place)
        click.echo("started the engine in the background (clerk stop ends it)", err=True)
    async with EngineClient.on_socket(socket) as client:
        yield client


async def foreseen(place: Place, meant: Callable[[StatusView], T]) -> T:
    """What an order means, by what is known before any engine is started for it.

    Raises UsageError as ``meant`` does, or where nothing is stored. An engine is started only where
    the stored state cannot be read without one.
    """
    from orchestrator.api.reader import Reader
    from orchestrator.errors import StoreError
    from orchestrator.site import Records

    if place.socket is None:
        try:
            with Records.open_readonly(place.common_dir) as records:
                return meant(Reader(records).status())
        except StoreError:  # damaged, or of an older version: an engine mends that, or says why not
            pass
    async with engine(place, start=True) as client:
        return meant(await client.status())


@asynccontextmanager
async def ordering(
    place: Place, meant: Callable[[StatusView], T]
) -> AsyncIterator[tuple[EngineClient, StatusView, T]]:
    """An engine for an order, started if none runs, how things stand there, and what is meant.

    An order that makes no sense starts nothing.
    """
    if place.socket is None:
        await foreseen(place, meant)
    async with engine(place, start=True) as client:
        status = await client.status()
        yield client, status, meant(status)


def start_engine(place: Place) -> Path:
    """Start a background engine and wait until it listens; returns its socket.

    Raises CannotRun with the engine's last words when it ends instead.
    """
    place.state_dir.mkdir(parents=True, exist_ok=True)
    log = place.state_dir / "engine.log"
    argv = [sys.executable, "-m", "orchestrator.cli.engine", str(place.common_dir)]
    with log.open("ab") as output:
        begun = output.tell()
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    deadline = time.monotonic() + START_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        socket = place.socket
        if socket is not None and socket.exists():
            return socket
        if child.poll() is not None:
            raise CannotRun(_last_words(log, begun))
        time.sleep(0.02)
    raise CannotRun(f"the engine did not start within {START_PATIENCE_SECONDS:.0f}s; see {log}")


def _last_words(log: Path, begun: int) -> str:
    with log.open("rb") as file:
        file.seek(begun)
        told = file.read().decode("utf-8", "replace").strip().splitlines()
    return told[-1].removeprefix("clerk: ") if told else f"the engine ended at once; see {log}"


def find_task(status: StatusView, reference: str) -> TaskView:
    """The task that ``TASK`` or ``PLAN/TASK`` means; raises UsageError with the near misses."""
    from difflib import get_close_matches

    plan, _, name = reference.rpartition("/")
    tasks = [t for p in status.plans for t in p.tasks if not plan or p.name == plan]
    found = [t for t in tasks if t.id == name]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{t.plan}/{t.id}" for t in found)
        raise UsageError(f"task {name!r} is in several plans; say which: {several}")
    near = get_close_matches(name, [t.id for t in tasks], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; clerk status lists them"
    raise UsageError(f"no task {reference!r} is known here{hint}")


def only_plan(status: StatusView, wanted: str | None) -> str:
    """The plan that is meant when a command does not say; raises UsageError when unclear."""
    names = [plan.name for plan in status.plans]
    if wanted is not None:
        if wanted in names:
            return wanted
        raise UsageError(f"no plan {wanted!r} is known here; known: {', '.join(names) or 'none'}")
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError("no plan was started here yet; start one with: clerk run PLAN")
    raise UsageError(f"several plans are known here; say which with --plan: {', '.join(names)}")


def print_json(text: str) -> None:
    """Write one JSON document to stdout, indented for people, stable for programs."""
    click.echo(json.dumps(json.loads(text), indent=2))


def print_json_line(text: str) -> None:
    """The same on one line. In ASCII alone: a terminal obeys characters that JSON lets stand."""
    click.echo(json.dumps(json.loads(text), separators=(",", ":")))

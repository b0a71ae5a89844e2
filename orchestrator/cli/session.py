"""Commands of a session's own agent: ask and note, and what the engine tells it.

They work where the engine has put a token into the environment, and reach nothing but the
session's own task. Where this program cannot be reached from a sandbox, docs/agents.md shows the
same as plain HTTP.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from orchestrator.api.client import SessionClient
    from orchestrator.api.models import BriefView

T = TypeVar("T")
NOT_A_SESSION = "this is for agents: it works within a session that the engine runs"


def in_session() -> bool:
    """Whether the engine runs us as part of a session."""
    return bool(os.environ.get("CLERK_TOKEN") and os.environ.get("CLERK_SOCKET"))


def session_client() -> SessionClient:
    """A client of the door that this session was given; raises UsageError outside of one."""
    from orchestrator.api.client import SessionClient

    if not in_session():
        raise UsageError(NOT_A_SESSION)
    return SessionClient.on_socket(Path(os.environ["CLERK_SOCKET"]), os.environ["CLERK_TOKEN"])


@click.command()
@click.argument("text")
def ask(text: str) -> None:
    """Ask the person the question TEXT; it ends this session."""
    _request(lambda client: client.ask(text))
    click.echo("asked; this session ends now, and another goes on with the answer", err=True)


@click.command()
@click.argument("text")
def note(text: str) -> None:
    """Put the note TEXT on record, for the person who looks at this task."""
    _request(lambda client: client.note(text))
    click.echo("noted", err=True)


def own_brief() -> BriefView:
    """What this session was told."""
    return _request(lambda client: client.brief())


def _request(request: Callable[[SessionClient], Awaitable[T]]) -> T:
    import anyio

    answers: list[T] = []

    async def go() -> None:
        async with session_client() as client:
            answers.append(await request(client))

    anyio.run(go)
    return answers[0]

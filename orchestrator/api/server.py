"""The engine's doors on unix sockets: its owner's, and one for the sessions it runs.

Each has connections, bounds and a gate of its own, so that whatever sessions do at theirs, the
owner's answers. The owner's socket is mode 0600; the sessions' can be reached by other users,
since a confined job has one of its own, and therefore asks for a token.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio
import uvicorn

from orchestrator.api.app import Door, create_app
from orchestrator.api.connection import Connection, Rules, fair_share
from orchestrator.api.gate import BodyLimit, OwnerGate, SessionGate
from orchestrator.api.session_app import SessionDoor, create_session_app, routes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

_ROOT = 0
_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 8
_PRIVATE = 0o600
_FOR_ALL = 0o666


@dataclass(frozen=True, slots=True)
class Opening:
    """A socket to listen on, and what answers there."""

    path: Path
    mode: int
    app: ASGIApp
    rules: Rules


def owner_opening(door: Door, guests: SessionDoor, path: Path) -> Opening:
    """The door of the user whose engine this is; root can pass every door anyway."""
    app = OwnerGate(BodyLimit(create_app(door)), guests=guests)
    uids = frozenset({os.geteuid(), _ROOT})
    return Opening(path, _PRIVATE, app, Rules(uids, most=fair_share()))


def session_opening(door: SessionDoor, path: Path) -> Opening:
    """The door of the sessions."""
    inner = create_session_app(door)
    app = SessionGate(BodyLimit(inner), guests=door, open_to_guests=routes_of(inner))
    return Opening(path, _FOR_ALL, app, Rules(None, most=fair_share()))


class _Mortal:
    """Requests end with the engine: one that is cancelled has nobody to complain to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await self._app(scope, receive, send)


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to whoever runs it, and no request behind."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def hang_up(self) -> None:
        """End what is left of every connection and request, however serving ended."""
        for listener in getattr(self, "servers", ()):  # none before it has started
            listener.close()
        for connection in tuple(self.server_state.connections):
            cast("Connection", connection).take_leave()
        requests = tuple(self.server_state.tasks)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Many may wait and few are accepted at once: to asyncio both are one number."""
        await super().startup(sockets)
        for waited_at in sockets or ():
            waited_at.listen(_BACKLOG)


async def serve(*openings: Opening, listening: anyio.Event, stopping: anyio.Event) -> None:
    """Serve every opening until ``stopping`` is set; ``listening`` is set once all can be used."""
    sockets = [bind(opening.path, opening.mode) for opening in openings]
    servers = [_QuietServer(_config(opening)) for opening in openings]
    listening.set()

    async def stop_with_the_engine() -> None:
        await stopping.wait()
        for server in servers:
            server.should_exit = True

    try:
        async with anyio.create_task_group() as group:
            for server, listener in zip(servers, sockets, strict=True):
                group.start_soon(partial(server.serve, sockets=[listener]))
            group.start_soon(stop_with_the_engine)
    finally:
        with anyio.CancelScope(shield=True):
            for server in servers:
                await server.hang_up()


def _config(opening: Opening) -> uvicorn.Config:
    protocol = partial(Connection, rules=opening.rules)
    return uvicorn.Config(
        cast("Any", _Mortal(opening.app)),
        http=cast("Any", protocol),
        ws="none",
        backlog=_ACCEPTED_AT_ONCE,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )


def bind(path: Path, mode: int) -> socket.socket:
    """A listening unix socket at ``path``, reachable by ``mode`` from its first moment on.

    Whatever lay there is from an engine that is gone: the caller holds the engine's lock.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening

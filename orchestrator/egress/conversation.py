"""One client's side of HTTP/1.1: requests as they come, answers as they are made.

h11 does the framing; this feeds it from a socket and bounds what a client may take: the size of
a head, the time for it, and the silence in between. A client that breaks the protocol is
answered once, if it can be, and hung up on.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio
import h11

from orchestrator.egress.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import SocketStream

HEAD_BYTES = 32 * 1024
HEAD_SECONDS = 60.0
IDLE_SECONDS = 600.0
CHUNK_BYTES = 64 * 1024
BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
"""What a socket raises whose other side is gone."""


class Conversation:
    """A connection; ``patience`` is the scope in which it is served, and ends it when it is late."""

    def __init__(self, stream: SocketStream, patience: anyio.CancelScope) -> None:
        self.stream = stream
        self._patience = patience
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)

    def alive(self, seconds: float = IDLE_SECONDS) -> None:
        """Something moved: from now on it may be silent for that long."""
        self._patience.deadline = anyio.current_time() + seconds

    async def request(self) -> h11.Request | None:
        """The next request; none when the client is done. Raises Refusal for nonsense."""
        self.alive(HEAD_SECONDS)
        event = await self._next()
        self.alive()
        return event if isinstance(event, h11.Request) else None

    async def body(self) -> AsyncIterator[bytes]:
        """The body of the request as it comes."""
        while isinstance(event := await self._next(), h11.Data):
            self.alive()
            yield bytes(event.data)

    async def send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            await self.stream.send(data)
            self.alive()

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with the reason, unless an answer has begun."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        sentence = f"{refusal}\n".encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
        headers.append(("content-length", str(len(sentence))))
        reason = (
            "Not listed in needs.network" if refusal.by_rule else ""
        )  # all that some clients show
        with contextlib.suppress(h11.LocalProtocolError, *BROKEN):
            await self.send(
                h11.Response(status_code=refusal.status, headers=headers, reason=reason.encode())
            )
            await self.send(h11.Data(data=sentence))
            await self.send(h11.EndOfMessage())

    def finish(self) -> bool:
        """Whether the client may ask again; else nothing more is to be said."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    async def become_tunnel(self) -> bytes:
        """Say that the tunnel stands; returns what the client has sent ahead."""
        while isinstance(await self._next(), h11.Data):
            pass
        await self.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
        return self._http.trailing_data[0]

    async def _next(self) -> object:
        try:
            event = self._http.next_event()
            while event is h11.NEED_DATA:
                await self._feed()
                event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise Refusal(
                error.error_status_hint, "this is not the HTTP/1.1 that is spoken here"
            ) from error
        return event

    async def _feed(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        try:
            data = await self.stream.receive(CHUNK_BYTES)
        except anyio.EndOfStream:
            data = b""
        self._http.receive_data(data)

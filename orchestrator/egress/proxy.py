"""The proxy that is a session's whole network.

Libraries that are whole proxies were looked at first. proxy.py brings acceptor processes of its
own and listens by itself; pproxy listens by itself too and knows no allow-list. Neither can be
given a socket of another namespace while it runs, nor lives in the engine's event loop. So h11
does the framing, httpcore the asking, and here is only what is ours: who may go where.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import anyio
import h11
from anyio.abc import SocketStream

from orchestrator.egress.account import Entry
from orchestrator.egress.conversation import BROKEN, HEAD_SECONDS, Conversation
from orchestrator.egress.exchange import FAILED, exchange
from orchestrator.egress.refusal import Refusal
from orchestrator.egress.route import Forward, Here, Tunnel, route_of
from orchestrator.egress.tunnel import relay
from orchestrator.egress.upstream import ByGateway, Direct, url_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from typing import Self

    from orchestrator.egress.account import Account
    from orchestrator.egress.destination import Destinations
    from orchestrator.egress.handover import Listener
    from orchestrator.egress.route import Route

_LINGER_SECONDS = 2.0


class Proxy:
    """Answers the connections of one session, ``places`` of them at a time."""

    def __init__(
        self,
        destinations: Destinations,
        account: Account,
        gateway: ByGateway | None,
        places: int,
    ) -> None:
        self._destinations = destinations
        self._account = account
        self._gateway = gateway
        self._direct = Direct(destinations)
        self._places = anyio.Semaphore(places)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._direct.pool.aclose()
            if self._gateway is not None:
                await self._gateway.pool.aclose()

    async def serve(self, listener: Listener) -> None:
        """Answer what arrives at ``listener`` until it ends. Who finds no place waits."""
        with _closing_what_is_left() as fresh:
            async with anyio.create_task_group() as clients:
                while True:
                    await self._places.acquire()
                    try:
                        fresh.add(accepted := await listener.accept())
                    except OSError:
                        self._places.release()
                        return
                    clients.start_soon(self._client, accepted, fresh, listener.port)

    async def _client(
        self, accepted: socket.socket, fresh: set[socket.socket], own_port: int
    ) -> None:
        try:
            stream = await SocketStream.from_socket(accepted)
        except (OSError, ValueError):  # gone again; anyio says so by a ValueError
            accepted.close()
            self._places.release()
            return
        finally:
            fresh.discard(accepted)
        try:
            with anyio.CancelScope(deadline=anyio.current_time() + HEAD_SECONDS) as patience:
                await self._converse(Conversation(stream, patience), own_port)
        finally:
            self._places.release()
            await anyio.aclose_forcefully(stream)

    async def _converse(self, conversation: Conversation, own_port: int) -> None:
        with contextlib.suppress(h11.LocalProtocolError, *FAILED, *BROKEN):
            try:
                while (request := await conversation.request()) is not None:
                    await self._serve(conversation, request, own_port)
                    if not conversation.finish():
                        return
            except Refusal as refusal:
                await conversation.refuse(refusal)
                await _hang_up(conversation.stream)

    async def _serve(self, conversation: Conversation, request: h11.Request, own_port: int) -> None:
        entry = Entry()
        try:
            route = route_of(request.method, request.target, own_port)
            await self._go(route, conversation, request, entry)
        except Refusal as refusal:
            entry.verdict = "refused" if refusal.by_rule else "failed"
            if refusal.by_rule:
                self._account.refuse(entry.host)
            raise
        finally:
            self._account.close(entry)

    async def _go(
        self, route: Route, conversation: Conversation, request: h11.Request, entry: Entry
    ) -> None:
        match route:
            case Tunnel(host, port):
                entry.host, entry.port = host, port
                await self._tunnel(conversation, entry)
            case Forward(host, port, target):
                entry.host, entry.port = host, port
                self._destinations.check(host, port)
                url = url_of("http", host, port, target)
                await exchange(conversation, request, url, self._direct, entry)
            case Here(target):
                if self._gateway is None:
                    raise Refusal(404, "this is a proxy; there is nothing else here")
                entry.host, entry.port = self._gateway.entry
                url = self._gateway.url(request.method, target)
                await exchange(conversation, request, url, self._gateway, entry)

    async def _tunnel(self, conversation: Conversation, entry: Entry) -> None:
        def count(name: str, size: int) -> None:
            conversation.alive()
            setattr(entry, name, getattr(entry, name) + size)

        async def connect(address: str) -> SocketStream:
            return await anyio.connect_tcp(address, entry.port)

        server = await self._destinations.reach(entry.host, entry.port, connect)
        try:
            entry.verdict = "allowed"
            if ahead := await conversation.become_tunnel():
                count("sent", len(ahead))
                await server.send(ahead)
            sent, received = partial(count, "sent"), partial(count, "received")
            await relay(conversation.stream, server, sent=sent, received=received)
        finally:
            await anyio.aclose_forcefully(server)


@contextlib.contextmanager
def _closing_what_is_left() -> Iterator[set[socket.socket]]:
    """Connections whose task was cancelled before it began are nobody else's to close."""
    left: set[socket.socket] = set()
    try:
        yield left
    finally:
        for each in left:
            each.close()


async def _hang_up(stream: SocketStream) -> None:
    """End so that the answer arrives: what the client still sends would reset it."""
    with contextlib.suppress(anyio.EndOfStream, *BROKEN), anyio.move_on_after(_LINGER_SECONDS):
        await stream.send_eof()
        while True:
            await stream.receive()

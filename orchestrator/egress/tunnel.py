"""Bytes both ways until both sides are done. What they are is not looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from orchestrator.egress.conversation import BROKEN, CHUNK_BYTES

if TYPE_CHECKING:
    from anyio.abc import SocketStream

Count = Callable[[int], None]


async def relay(
    client: SocketStream, server: SocketStream, *, sent: Count, received: Count
) -> None:
    """Copy until each side has ended, or one broke; told of each chunk's size before it is sent.

    One side's end is passed on and the other goes on talking: that is how git says it is done.
    """
    async with anyio.create_task_group() as both:

        async def copy(source: SocketStream, sink: SocketStream, count: Count) -> None:
            try:
                await _copy(source, sink, count)
            except BROKEN:
                both.cancel_scope.cancel()

        both.start_soon(copy, client, server, sent)
        both.start_soon(copy, server, client, received)


async def _copy(source: SocketStream, sink: SocketStream, count: Count) -> None:
    while True:
        try:
            chunk = await source.receive(CHUNK_BYTES)
        except anyio.EndOfStream:
            await sink.send_eof()
            return
        count(len(chunk))
        await sink.send(chunk)

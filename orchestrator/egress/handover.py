"""Listening sockets that sessions send from their own network namespaces.

What arrives is not trusted, nor what it does later: a session may keep a copy of its listener,
make it blocking, and take a connection away just before we accept it. So it is accepted from in
a thread that nobody waits for, and foreign descriptors are closed there too. Nothing is read
from a descriptor that is not a listening TCP socket.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from array import array
from collections import deque
from typing import TYPE_CHECKING

import anyio
from anyio import CapacityLimiter, to_thread

from orchestrator.egress.launcher import TAKEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_MOST_DESCRIPTORS = 4
_MOST_SENDERS = 4
_SEND_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_CLOSE_SECONDS = 1.0
_NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER that closes at once: the sender's own could hold us up for as long as it likes."""


class Listener:
    """One listening socket that was handed over."""

    def __init__(self, handed: socket.socket) -> None:
        self._socket = handed
        self._one_by_one = CapacityLimiter(1)
        self._accepted: deque[socket.socket] = deque()
        self.port = int(handed.getsockname()[1])

    async def accept(self) -> socket.socket:
        """The next connection; raises OSError when there will be none any more."""
        while not self._accepted:
            await anyio.wait_readable(self._socket)
            try:
                await to_thread.run_sync(
                    self._accept, abandon_on_cancel=True, limiter=self._one_by_one
                )
            except (BlockingIOError, ConnectionAbortedError):
                continue
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                await anyio.sleep(_PAUSE_SECONDS)
        return self._accepted.popleft()

    def _accept(self) -> None:
        """In a thread, whose result would be lost if nobody waited for it any more."""
        self._accepted.append(self._socket.accept()[0])

    async def close(self) -> None:
        """Close it, and wake a thread that still waits there."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        await _quietly(self._socket)
        while self._accepted:
            self._accepted.pop().close()


def open_door(path: Path) -> socket.socket:
    """A unix socket at ``path`` that other users may connect to, if they get as far."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        # The address of a unix socket is short; the folder's own may not be.
        near = f"/proc/self/fd/{folder}/{path.name}"
        door.bind(near if len(os.fsencode(path)) > len(near) else str(path))
        path.chmod(0o666)
        door.listen()
        door.setblocking(False)
    except BaseException:
        door.close()
        raise
    finally:
        os.close(folder)
    return door


class Door:
    """Where a session's launchers hand over their listeners, ``most`` of them in all."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._socket = open_door(path)
        self._left = most
        self._senders = anyio.Semaphore(_MOST_SENDERS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    async def serve(self, serve: Callable[[Listener], Awaitable[None]]) -> None:
        """Serve each listener that arrives, until cancelled."""
        async with anyio.create_task_group() as senders:
            while True:
                await self._senders.acquire()
                await anyio.wait_readable(self._socket)
                try:
                    sender, _ = self._socket.accept()
                except OSError:  # gone again, or no descriptor is free
                    self._senders.release()
                    await anyio.sleep(_PAUSE_SECONDS)
                    continue
                senders.start_soon(self._admit, sender, serve)

    async def _admit(
        self, sender: socket.socket, serve: Callable[[Listener], Awaitable[None]]
    ) -> None:
        try:
            with sender:
                sender.setblocking(False)
                listener = await self._received(sender)
                if listener is not None:
                    with contextlib.suppress(OSError):
                        sender.send(TAKEN)
        finally:
            self._senders.release()
        if listener is not None:
            try:
                await serve(listener)
            finally:
                await listener.close()

    async def _received(self, sender: socket.socket) -> Listener | None:
        """What one sender hands over, when it is what it should be and not one too many."""
        listener = None
        with anyio.move_on_after(_SEND_SECONDS):
            await anyio.wait_readable(sender)
            for number in _descriptors(sender):
                listening = _listening(number) if self._left and not listener else None
                if listening is None:
                    await _discard(number)
                else:
                    self._left -= 1
                    listener = Listener(listening)
        return listener


def _descriptors(sender: socket.socket) -> array[int]:
    numbers = array("i")
    size = socket.CMSG_LEN(_MOST_DESCRIPTORS * numbers.itemsize)
    try:
        _, ancillary, _, _ = sender.recvmsg(1, size, socket.MSG_CMSG_CLOEXEC)
    except OSError:
        return numbers
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    return numbers


def _listening(number: int) -> socket.socket | None:
    """The descriptor as a socket, when it is a TCP socket that listens."""
    try:
        handed = socket.socket(fileno=number)
        listens = (
            handed.family in (socket.AF_INET, socket.AF_INET6)
            and handed.type == socket.SOCK_STREAM
            and handed.proto == socket.IPPROTO_TCP
            and handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        )
    except OSError:
        return None
    if not listens:
        handed.detach()
        return None
    return handed


async def _discard(number: int) -> None:
    try:
        handed = socket.socket(fileno=number)
    except OSError:  # no socket: a file, whose close waits for nobody
        os.close(number)
    else:
        await _quietly(handed)


async def _quietly(handed: socket.socket) -> None:
    """Close a stranger's socket, however long it was told to take for that."""
    with contextlib.suppress(OSError):
        handed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    with anyio.move_on_after(_CLOSE_SECONDS, shield=True), contextlib.suppress(OSError):
        await to_thread.run_sync(handed.close, abandon_on_cancel=True, limiter=CapacityLimiter(1))

"""Ports lent to verifications, each to one at a time, also where several engines share a machine.

A port is held by a socket with a name and no file, which the system takes back from whoever is
killed; the port itself stays free for the service that is to listen there. None is lent while
anybody listens at it. They lie below those that systems give to whoever asks for any port.
"""

from __future__ import annotations

import errno
import secrets
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from orchestrator.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

LENT = range(20_000, 32_000)

_ANYWHERE = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104 - never listened at


class Ports:
    """The ports of one engine; ``numbers`` are those that it may lend."""

    def __init__(self, numbers: Collection[int] = LENT) -> None:
        self._numbers = tuple(numbers)
        self._next = secrets.randbelow(len(self._numbers))
        self._lent: set[int] = set()

    @contextmanager
    def lend(self, names: Iterable[str]) -> Iterator[dict[str, int]]:
        """A port for each name, nobody else's until this is left; raises CannotRun when all are taken."""
        with ExitStack() as held:
            yield {name: self._one(held) for name in names}

    def _one(self, held: ExitStack) -> int:
        for _ in self._numbers:
            number = self._numbers[self._next % len(self._numbers)]
            self._next += 1
            if number not in self._lent and is_free(number) and _is_ours(number, held):
                self._lent.add(number)
                held.callback(self._lent.remove, number)
                return number
        raise CannotRun("no port is free for the services; end what holds so many of them")


def is_free(number: int) -> bool:
    """Whether nobody on this machine listens at the port of that number."""
    return all(_can_be_bound(family, host, number) for family, host in _ANYWHERE)


def _can_be_bound(family: socket.AddressFamily, host: str, number: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((host, number))
    except OSError as error:
        return error.errno not in (errno.EADDRINUSE, errno.EACCES)  # else there is no such network
    return True


def _is_ours(number: int, held: ExitStack) -> bool:
    """Hold the port's name, where names without files are known; False when another engine does."""
    if sys.platform != "linux":
        return True
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mark.bind(f"\0clerk-port-{number}")
    except OSError:
        mark.close()
        return False
    held.enter_context(mark)
    return True

"""One connection of a client that may be slow, broken or not who it should be.

uvicorn speaks HTTP; what it leaves open is closed here. A request must come to its end in time, or
half-sent ones would hold a descriptor each for ever; only so many may be connected at once, since
descriptors are what the engine starts its jobs with; and the peer's user is asked of the kernel,
not of a file's mode. Whoever is turned away is told why.
"""

from __future__ import annotations

import resource
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.api.models import Problem
from orchestrator.errors import ExitCode

if TYPE_CHECKING:
    import asyncio

MOST_CONNECTIONS = 128
PATIENCE_SECONDS = 30.0
_RECEIVING = (h11.IDLE, h11.SEND_BODY)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a door demands of whoever connects; no ``uids`` admits every user."""

    uids: frozenset[int] | None
    most: int = MOST_CONNECTIONS
    patience_seconds: float = PATIENCE_SECONDS

    def refusal(self, uid: int, connected: int) -> tuple[HTTPStatus, str] | None:
        """Why a peer cannot stay."""
        if connected > self.most:
            return HTTPStatus.SERVICE_UNAVAILABLE, "too many clients are connected; try again later"
        if self.uids is not None and uid not in self.uids:
            told = f"this door is its owner's; user {uid} may not enter"
            return HTTPStatus.FORBIDDEN, told
        return None


def fair_share() -> int:
    """The most connections of one door that leave descriptors for the engine's own work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft // 4)


class Connection(H11Protocol):
    """A client's connection under ``rules``."""

    def __init__(self, *args: Any, rules: Rules, **more: Any) -> None:
        super().__init__(*args, **more)
        self._rules = rules
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        uid = _peer_uid(transport.get_extra_info("socket"))
        refusal = self._rules.refusal(uid, len(self.connections))
        if refusal is None:
            self._await_request()
        else:
            self._turn_away(*refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state not in _RECEIVING:
            self._end_wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.conn.their_state in _RECEIVING:
            self._await_request()

    def send_400_response(self, msg: str) -> None:
        self._turn_away(HTTPStatus.BAD_REQUEST, f"this is no HTTP: {msg}")

    def take_leave(self) -> None:
        """Hang up, since the engine ends; who waits for an answer gets this one."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._turn_away(HTTPStatus.SERVICE_UNAVAILABLE, "the engine is ending")
        else:
            self.transport.close()

    def _await_request(self) -> None:
        self._end_wait()
        self._deadline = self.loop.call_later(self._rules.patience_seconds, self._lose_patience)

    def _end_wait(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _lose_patience(self) -> None:
        told = f"no whole request came within {self._rules.patience_seconds:.0f} s"
        self._turn_away(HTTPStatus.REQUEST_TIMEOUT, told)

    def _turn_away(self, status: HTTPStatus, told: str) -> None:
        """Say why, where no other answer has begun, and hang up."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # whatever it answers from now on goes nowhere
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.write(_answer(status, told))
        self.transport.close()


def _peer_uid(peer: socket.socket) -> int:
    """The user at the other end, as the kernel tells."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


def _answer(status: HTTPStatus, told: str) -> bytes:
    body = Problem(error=told, exit_code=int(ExitCode.CANNOT_RUN)).model_dump_json().encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body

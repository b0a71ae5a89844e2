"""What every request passes before it is looked at: whose it is, and how much of it is read.

Plain ASGI, since a framework reads the body of a request before it asks who sends it. A token
opens the routes of its session's own door and nothing at all at the engine's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from orchestrator.api.problems import problem_response

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from orchestrator.sessions.doorkeeper import Guest

BODY_BYTES = 8 * 1024 * 1024
"""A plan may have 1 MB; JSON writes some characters as six."""

_GUEST = "guest"
_CLOSE = {"connection": "close"}
_SMALL_BYTES = 64 * 1024


class GuestList(Protocol):
    """Who may come as a guest, and who was turned away."""

    def guest(self, token: str) -> Guest | None: ...
    def refused(self, guest: Guest | None, request: str) -> None: ...


class SessionGate:
    """Lets requests in whose token is in force, to the ``open_to_guests`` (method and path)."""

    def __init__(
        self, app: ASGIApp, *, guests: GuestList, open_to_guests: frozenset[tuple[str, str]]
    ) -> None:
        self._app = app
        self._guests = guests
        self._open = open_to_guests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guest = self._guests.guest(_token(scope))
        refusal = self._refusal(guest, scope)
        if refusal is not None:
            self._guests.refused(guest, _shown(scope))
            await refusal(scope, receive, send)
        else:
            scope.setdefault("state", {})[_GUEST] = guest
            await self._app(scope, receive, send)

    def _refusal(self, guest: Guest | None, scope: Scope) -> Response | None:
        if guest is None:
            told = "this door opens to a session's token that is in force: send the header "
            told += "'Authorization: Bearer $CLERK_TOKEN'; a token ends with its session"
            return problem_response(
                401, told, headers={"www-authenticate": "Bearer", **_end(scope)}
            )
        if (scope["method"], scope["path"]) not in self._open:
            told = f"a session may not ask for {_shown(scope)[:200]}; it may for "
            told += ", ".join(f"{method} {path}" for method, path in sorted(self._open))
            return problem_response(403, told, headers=_end(scope))
        return None


class OwnerGate:
    """Turns away whoever comes with a token: here it could only open more than it may."""

    def __init__(self, app: ASGIApp, *, guests: GuestList) -> None:
        self._app = app
        self._guests = guests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "authorization" in Headers(scope=scope):
            self._guests.refused(self._guests.guest(_token(scope)), _shown(scope))
            told = "a token opens the sessions' door alone; its socket is $CLERK_SOCKET"
            await problem_response(403, told, headers=_end(scope))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class BodyLimit:
    """Reads no more of a body than ``most`` bytes, whether its length was told or not."""

    def __init__(self, app: ASGIApp, *, most: int = BODY_BYTES) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise self._too_long()
            return message

        if scope["type"] == "http" and _told_length(scope) > self._most:
            told = str(self._too_long().detail)
            await problem_response(413, told, headers=_CLOSE)(scope, receive, send)
        else:
            await self._app(scope, counted, send)

    def _too_long(self) -> HTTPException:
        return HTTPException(413, f"a body has at most {self._most} bytes", headers=_CLOSE)


def guest_of(scope: Scope) -> Guest:
    """Who the gate let in."""
    guest: Guest = scope["state"][_GUEST]
    return guest


def _token(scope: Scope) -> str:
    kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _told_length(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() else 0


def _end(scope: Scope) -> dict[str, str]:
    """Whether to hang up on an unread body: not on a small one, its sender would miss the answer."""
    endless = "transfer-encoding" in Headers(scope=scope)
    return _CLOSE if endless or _told_length(scope) > _SMALL_BYTES else {}


def _shown(scope: Scope) -> str:
    return f"{scope['method']} {scope['path']}"

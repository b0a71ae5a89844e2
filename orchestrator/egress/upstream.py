"""The far side of a forwarded request: which address is asked, with which headers.

``Direct`` asks the host the client named, at an address that was judged. ``ByGateway`` asks the
one service an adapter declared, and adds what the session must not know. httpcore speaks for
both and not httpx, which is made for people: it would add headers of its own, and keep one
session's cookies for the next request.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

import httpcore

from orchestrator.egress.refusal import Refusal
from orchestrator.errors import UsageError
from orchestrator.hosts import normal_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.egress.destination import Destinations
    from orchestrator.gateway import Gateway

Headers = list[tuple[bytes, bytes]]

_KEEP_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}
_OF_ONE_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade"),
        *(b"transfer-encoding", b"proxy-authenticate", b"proxy-authorization", b"expect"),
    }
)
_FRAMING = frozenset({b"content-length", b"host"})


class Upstream(Protocol):
    """One way on."""

    pool: httpcore.AsyncConnectionPool

    def headers(self, given: Headers) -> Headers:
        """What is sent on of a request's headers."""


class Direct:
    """To the hosts themselves."""

    def __init__(self, destinations: Destinations) -> None:
        backend = _Judged(destinations)
        self.pool = httpcore.AsyncConnectionPool(
            max_connections=None, keepalive_expiry=_KEEP_SECONDS, network_backend=backend
        )

    def headers(self, given: Headers) -> Headers:
        return list(of_all_hops(given))


class ByGateway:
    """To the one service of a gateway; raises UsageError when that is no address."""

    def __init__(self, gateway: Gateway) -> None:
        parts = urlsplit(gateway.upstream)
        try:
            self._port = parts.port or _PORTS[parts.scheme]
            self._scheme, self._host = parts.scheme, normal_host(_bracketed(parts.hostname or ""))
        except (ValueError, KeyError):
            raise _no_address(gateway.variable) from None
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise _no_address(gateway.variable)
        self._base = parts.path.rstrip("/")
        self._paths = gateway.paths
        self._added = [
            (name.lower().encode(), value.encode()) for name, value in gateway.headers.items()
        ]
        self._stand_ins = [value.encode() for value in gateway.stand_ins.values() if value]
        self.entry = (self._host, self._port)
        trust = httpcore.default_ssl_context() if self._scheme == "https" else None
        self.pool = httpcore.AsyncConnectionPool(
            ssl_context=trust, max_connections=None, keepalive_expiry=_KEEP_SECONDS
        )

    def url(self, method: bytes, target: bytes) -> httpcore.URL:
        """What is asked of the service; raises Refusal for a path that is not the session's."""
        path = target.partition(b"?")[0].decode("ascii", "replace")
        # TRACE would be answered with the headers it came with.
        elsewhere = bool(self._paths) and not is_below(path, self._paths)
        if method == b"TRACE" or elsewhere or climbs(path):
            raise Refusal(404, "this gateway does not lead there")
        return url_of(self._scheme, self._host, self._port, self._base.encode() + target)

    def headers(self, given: Headers) -> Headers:
        """The client's own, but those that the gateway sets and those that hold a stand-in."""
        replaced = {name for name, _ in self._added}
        kept = [
            (name, value)
            for name, value in of_all_hops(given)
            if name.lower() not in replaced and not any(word in value for word in self._stand_ins)
        ]
        return kept + self._added


def _no_address(variable: str) -> UsageError:
    """The address itself is not shown: it may hold a password."""
    return UsageError(
        f"{variable} must be an address such as https://api.example.org, with nothing but a path"
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Judged(httpcore.AnyIOBackend):
    """Connects to addresses that may be connected to."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the protocol's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        connect = super().connect_tcp

        async def connected(address: str) -> httpcore.AsyncNetworkStream:
            try:
                return await connect(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                raise ConnectionError(str(error)) from error

        return await self._destinations.reach(host, port, connected)


def url_of(scheme: str, host: str, port: int, target: bytes) -> httpcore.URL:
    return httpcore.URL(scheme=scheme.encode(), host=host.encode(), port=port, target=target)


def host_header(url: httpcore.URL) -> tuple[bytes, bytes]:
    """The Host of a request: of where it really goes, whatever the client wrote."""
    shown = _bracketed(url.host.decode())
    usual = url.port == _PORTS[url.scheme.decode()]
    return b"host", (shown if usual else f"{shown}:{url.port}").encode()


def of_all_hops(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    """The headers that are meant for whoever is last, not for the next hop."""
    named = {
        word.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
    dropped = (_OF_ONE_HOP | named) - _FRAMING
    return ((name, value) for name, value in headers if name.lower() not in dropped)


def climbs(path: str) -> bool:
    """Whether a path leads upwards in some reading of it, and so out of the service's own base."""
    return ".." in re.split(r"[/\\;]", unquote(unquote(path)))


def is_below(path: str, prefixes: Iterable[str]) -> bool:
    """Whether a path is one of the prefixes or below it, in every reading of it."""
    plain = unquote(path)
    if plain != posixpath.normpath(plain) or "\\" in plain or "%" in plain:
        return False
    return any(
        plain == prefix.rstrip("/") or plain.startswith(f"{prefix.rstrip('/')}/")
        for prefix in prefixes
    )

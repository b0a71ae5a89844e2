"""Where a request wants to go, by its first line alone. Pure; nothing is allowed here yet."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.egress.refusal import Refusal
from orchestrator.hosts import LOCALHOST, normal_host, split_authority

HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Tunnel:
    """CONNECT: bytes both ways."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Forward:
    """A request for another host, in absolute form; ``target`` is what that host is asked."""

    host: str
    port: int
    target: bytes


@dataclass(frozen=True, slots=True)
class Here:
    """A request for the proxy's own address: for the gateway, if there is one."""

    target: bytes


Route = Tunnel | Forward | Here


def route_of(method: bytes, target: bytes, own_port: int) -> Route:
    """Where a request goes; raises Refusal (400) for one that makes no sense to a proxy."""
    text = target.decode("ascii", "replace")
    try:
        if method == b"CONNECT":
            return _tunnel(text)
        if text.startswith("/"):
            return Here(target)
        return _forward(text, own_port)
    except ValueError as error:
        raise Refusal(400, f"this is no address to connect to: {error}") from error


def _tunnel(text: str) -> Tunnel:
    host, port = split_authority(text)
    if port is None:
        raise ValueError("the port is missing")
    return Tunnel(normal_host(host), port)


def _forward(text: str, own_port: int) -> Forward | Here:
    scheme, _, rest = text.partition("://")
    if scheme.lower() != "http":
        raise ValueError("only http:// is forwarded; ask for a tunnel with CONNECT")
    end = next((at for at, letter in enumerate(rest) if letter in "/?#"), len(rest))
    host, port = split_authority(rest[:end])
    host, port = normal_host(host), HTTP_PORT if port is None else port
    path = rest[end:].partition("#")[0]
    target = (path if path.startswith("/") else f"/{path}").encode()
    if port == own_port and host in {"127.0.0.1", LOCALHOST}:
        return Here(target)
    return Forward(host, port, target)

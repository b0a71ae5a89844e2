"""What a service is asked to learn whether it is ready, as words for the prober and for people.

Pure. The prober runs where the service does (``prober``); an address that the plan writes
without a host is of the loopback there. The ports that must be free before the service starts are
its own, and the one that is asked, whatever number the plan wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from orchestrator.plan.services import command_of, owner_of, ports_in, texts_of, with_ports

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from orchestrator.plan.model import Ready, Service

NOTHING = ("nothing",)
"""The question about a service that is not spoken to."""

_HERE = "127.0.0.1"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    host: str
    port: int


def asked(ready: Ready | None, ports: Mapping[str, int]) -> str:
    """What is asked, for people: ``http://127.0.0.1:20100/``, ``'pg_isready'``."""
    if ready is None:
        return ""
    if ready.http:
        return with_ports(ready.http, ports)
    if ready.tcp:
        host, port = _address(with_ports(ready.tcp, ports))
        return f"{host}:{port}"
    return f"the command {ready.command!r}" if ready.command else f"its output for {ready.log!r}"


def question(ready: Ready | None, ports: Mapping[str, int], state: str) -> tuple[str, ...]:
    """The prober's words for it."""
    if ready is not None and ready.http:
        url = urlsplit(with_ports(ready.http, ports))
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        port = url.port or _DEFAULT_PORTS[url.scheme]
        return ("http", url.hostname or _HERE, str(port), target, url.scheme)
    if ready is not None and ready.command:
        return ("command", command_of(ready.command, ports, state))
    address = address_of(ready, ports)
    return ("tcp", address.host, str(address.port)) if address else NOTHING


def address_of(ready: Ready | None, ports: Mapping[str, int]) -> Address | None:
    """Where the service accepts connections, if its readiness tells."""
    if ready is not None and ready.http:
        url = urlsplit(with_ports(ready.http, ports))
        return Address(url.hostname or _HERE, url.port or _DEFAULT_PORTS[url.scheme])
    if ready is not None and ready.tcp:
        return _address(with_ports(ready.tcp, ports))
    return None


def own_ports(
    name: str, service: Service, services: Collection[str], ports: Mapping[str, int]
) -> tuple[int, ...]:
    """The ports at which nobody may listen before the service does."""
    named = {port for text in texts_of(service) for port in ports_in(text)}
    own = {ports[port] for port in named if owner_of(port, services) == name}
    address = address_of(service.ready, ports)
    others = set(ports.values()) - own  # a service may be ready by another's word
    if address is not None and address.port not in others:
        own.add(address.port)
    return tuple(sorted(own))


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]") or _HERE, int(port))

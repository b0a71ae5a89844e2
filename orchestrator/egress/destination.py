"""From a host to a connection: looked up here, judged, and reached at the address judged.

Nobody resolves a name twice, so it cannot lead elsewhere the second time. A name that was listed
opens no way into this machine or its networks, whatever its owner says it leads to; only an
address listed itself does, or ``localhost`` with its port.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

from orchestrator.egress.refusal import Refusal, leads_inside, not_listed
from orchestrator.hosts import LOCALHOST, is_address

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from orchestrator.hosts import AllowList

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

RESOLVE_SECONDS = 10.0
CONNECT_SECONDS = 10.0
_MOST_ADDRESSES = 6

_INSIDE = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # some clouds' metadata; Python calls most of it global
            "168.63.129.16/32",  # another cloud's, in the midst of public addresses
            "fec0::/10",
        ),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Destinations:
    """How one session reaches hosts; ``lookups`` bounds its threads."""

    def __init__(self, allowed: AllowList, lookups: CapacityLimiter) -> None:
        self._allowed = allowed
        self._lookups = lookups

    def check(self, host: str, port: int) -> None:
        """Raise Refusal when the host is not listed."""
        if not self._allowed.admits(host, port):
            raise not_listed(host, port)

    async def reach(self, host: str, port: int, connect: Callable[[str], Awaitable[T]]) -> T:
        """What ``connect`` returns for the first address that answers; raises Refusal."""
        self.check(host, port)
        failure: Exception | None = None
        for address in await self._addresses(host, port):
            try:
                with anyio.fail_after(CONNECT_SECONDS):
                    return await connect(address)
            except (OSError, TimeoutError) as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise Refusal(504, f"{host}:{port} did not answer in time")
        raise Refusal(502, f"{host}:{port} could not be connected to")

    async def _addresses(self, host: str, port: int) -> list[str]:
        if is_address(host):
            return [host]
        found = await self._resolve(host, port)
        if host != LOCALHOST:
            found = [address for address in found if not is_inside(ipaddress.ip_address(address))]
        if not found:
            raise leads_inside(host)
        return found[:_MOST_ADDRESSES]

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            with anyio.fail_after(RESOLVE_SECONDS):
                answers = await to_thread.run_sync(
                    _look_up, host, port, abandon_on_cancel=True, limiter=self._lookups
                )
        except TimeoutError as error:
            raise Refusal(504, f"{host} could not be looked up in time") from error
        except (OSError, UnicodeError) as error:
            raise Refusal(502, f"{host} could not be looked up") from error
        return list(dict.fromkeys(answers))


def is_inside(address: Address) -> bool:
    """Whether an address is, or stands for, one of this machine or of a private network."""
    for within in _embedded(address):
        if not within.is_global or within.is_multicast or within.is_reserved:
            return True
        if any(within in network for network in _INSIDE if network.version == within.version):
            return True
    return _is_this_machine(address)


def _embedded(address: Address) -> list[Address]:
    """The address, or the IPv4 one that it carries through some translation."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    carried = [address.sixtofour, *(address.teredo or ())]
    return [address, *(each for each in carried if each)]


def _is_this_machine(address: Address) -> bool:
    """Whether packets to it would never leave: the source chosen for it is itself."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))  # sends nothing
            return bool(probe.getsockname()[0] == str(address))
    except OSError:
        return False


def _look_up(host: str, port: int) -> list[str]:
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]).partition("%")[0] for answer in answers]

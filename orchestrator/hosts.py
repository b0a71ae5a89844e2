"""Which hosts a session may speak with: the words of ``needs.network``.

``example.org`` (ports 443 and 80), ``example.org:8443``, ``*.example.org`` (any name below it,
not itself), an address (``192.0.2.7``, ``[2001:db8::7]:8080``), and ``localhost:8000``, which is
this machine's own. Pure: names are compared, never looked up. A name never stands for an
address: what it leads to is judged when it is reached.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import idna

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_PORTS = (443, 80)
LOCALHOST = "localhost"

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]{1,5}))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of an allow-list; ``below`` is meant for names that end in ``.host``."""

    host: str
    ports: tuple[int, ...] = DEFAULT_PORTS
    below: bool = False

    def admits(self, host: str, port: int) -> bool:
        fits = host.endswith(f".{self.host}") if self.below else host == self.host
        return fits and port in self.ports


@dataclass(frozen=True, slots=True)
class AllowList:
    """What a session may reach; hosts asked about are as ``normal_host`` returns them."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> AllowList:
        """The list of these entries; raises UsageError for the first that makes no sense."""
        return cls(tuple(parse_rule(entry) for entry in entries))

    def admits(self, host: str, port: int) -> bool:
        return any(rule.admits(host, port) for rule in self.rules)

    @property
    def own_machine(self) -> frozenset[str]:
        """The names of this machine's loopback that were listed."""
        return frozenset(rule.host for rule in self.rules if _is_loopback(rule.host))


def parse_rule(entry: str) -> Rule:
    """The rule that ``entry`` is; raises UsageError."""
    below = entry.startswith("*.")
    try:
        host, port = split_authority(entry[2:] if below else entry)
        host = normal_host(host)
    except ValueError as error:
        raise UsageError(
            f"{entry!r} is no host ({error}); write example.org, example.org:8443 or *.example.org"
        ) from error
    if below and (is_address(host) or host == LOCALHOST):
        raise UsageError(f"{entry!r}: nothing is below {host}; leave out '*.'")
    if host == LOCALHOST and port is None:
        raise UsageError(f"{entry!r}: say which port of this machine, as {LOCALHOST}:8000")
    return Rule(host, DEFAULT_PORTS if port is None else (port,), below)


def split_authority(text: str) -> tuple[str, int | None]:
    """``host`` or ``host:port``, with an IPv6 address in brackets; raises ValueError."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        raise ValueError("an IPv6 address stands in brackets, and a port is a number")
    port = None if match[2] is None else int(match[2])
    if port is not None and not 0 < port <= 65535:
        raise ValueError(f"there is no port {port}")
    return match[1], port


def normal_host(host: str) -> str:
    """The one spelling of a host: lower case, ASCII, no last dot; raises ValueError."""
    if host.startswith("["):
        return _normal_ipv6(host[1:-1])
    name = host.removesuffix(".").lower()
    if not name.isascii():
        name = _in_ascii(name)
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # so it is an address, in a spelling that is the only one
        return str(ipaddress.IPv4Address(name))
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("not a name a host can have")
    return name


def is_address(host: str) -> bool:
    """Whether a normal host is an IP address and no name."""
    return ":" in host or bool(_NUMBER.fullmatch(host.rpartition(".")[2]))


def _normal_ipv6(text: str) -> str:
    address = ipaddress.IPv6Address(text)
    if address.scope_id is not None:
        raise ValueError("an address of one network interface")
    return str(address)


def _in_ascii(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:  # its messages repeat the name, whatever is in it
        raise ValueError("not a name a host can have") from error


def _is_loopback(host: str) -> bool:
    return host == LOCALHOST or (is_address(host) and ipaddress.ip_address(host).is_loopback)

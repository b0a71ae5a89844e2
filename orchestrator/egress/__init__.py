"""The only network a sandboxed session has.

A session's network namespace has no way out. Its launcher hands the engine a socket that listens
inside (``launcher``, ``handover``), and the engine answers there, in its own event loop, as a
proxy with an allow-list (``proxy``). Whatever is not asked of that proxy is not reached. Secrets
that a gateway adds stay on this side.
"""

from __future__ import annotations

import resource
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from orchestrator.egress import launcher
from orchestrator.egress.account import Account
from orchestrator.egress.destination import Destinations
from orchestrator.egress.handover import Door
from orchestrator.egress.proxy import Proxy
from orchestrator.egress.upstream import ByGateway
from orchestrator.hosts import LOCALHOST, AllowList

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from orchestrator.gateway import Gateway

LAUNCHER = launcher.__file__
"""Run inside the sandbox: ``python -I -S LAUNCHER SOCKET PORT -- COMMAND...``."""

MOST_LISTENERS = 4
_MOST_PLACES = 128
_FEWEST_PLACES = 16
_SHARE_OF_DESCRIPTORS = 32
_LOOKUPS = 4
_OWN = (LOCALHOST, "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Egress:
    """An open way out; ``socket`` is to be shown to the session, and nothing else of it."""

    socket: Path
    _allowed: AllowList
    _gateway: Gateway | None

    def environment(self, port: int) -> dict[str, str]:
        """What makes programs use the proxy that listens at ``port`` inside.

        What a session serves on its own loopback is asked directly, except by a name of the
        loopback that the plan listed: that is meant for this machine.
        """
        proxy = f"http://127.0.0.1:{port}"
        direct = ",".join(host for host in _OWN if host not in self._allowed.own_machine)
        names = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": direct}
        names |= {name.lower(): value for name, value in names.items()}
        if self._gateway is not None:
            names |= {self._gateway.variable: proxy, **self._gateway.stand_ins}
        return names


@asynccontextmanager
async def open_egress(
    folder: Path,
    allowed: Sequence[str],
    *,
    gateway: Gateway | None,
    log: Path,
    on_refused: Callable[[str], None],
) -> AsyncIterator[Egress]:
    """A way out for one session, open as long as the context is; then all connections are ended.

    ``folder`` is the session's own and closed to others. ``on_refused`` is told each host that
    was refused, once, in the event loop. Raises UsageError for an entry that is no host or a
    gateway that is no address, and OSError when ``folder`` or ``log`` cannot be written.
    """
    rules = AllowList.of(allowed)
    by_gateway = ByGateway(gateway) if gateway else None
    path = folder / "egress.sock"
    destinations = Destinations(rules, anyio.CapacityLimiter(_LOOKUPS))
    with Account(log, on_refused) as account, Door(path, MOST_LISTENERS) as door:
        proxy = Proxy(destinations, account, by_gateway, _places())
        async with proxy, anyio.create_task_group() as serving:
            serving.start_soon(door.serve, proxy.serve)
            yield Egress(path, rules, gateway)
            serving.cancel_scope.cancel()


def _places() -> int:
    """How many connections one session may hold: few enough to leave descriptors for all."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_PLACES
    return min(_MOST_PLACES, max(_FEWEST_PLACES, soft // _SHARE_OF_DESCRIPTORS))

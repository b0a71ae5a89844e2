"""A confined job's only network: an egress of its own, opened and closed with the session.

Nothing is opened where the plan lists no host and the agent's secret needs no gateway: then there
is no network at all. The launcher runs inside and hands a listener out, so programs find their
proxy at one fixed address.
"""

from __future__ import annotations

import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.egress import LAUNCHER, open_egress
from orchestrator.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from orchestrator.gateway import Gateway
    from orchestrator.sandboxes import Confinement

PORT = 3128
"""Of the proxy, in a job's own network: nobody else is there to want it."""


@asynccontextmanager
async def connected(
    confinement: Confinement,
    hosts: Sequence[str],
    gateway: Gateway | None,
    *,
    log: Path,
    on_refused: Callable[[str], None],
) -> AsyncIterator[Confinement]:
    """``confinement`` with a way out to ``hosts`` and through ``gateway``, until this is left."""
    if not confinement.sandbox.confines or (not hosts and gateway is None):
        yield confinement
        return
    async with (
        scratch_folder() as folder,
        open_egress(folder, hosts, gateway=gateway, log=log, on_refused=on_refused) as egress,
    ):
        python = Path(sys.executable).resolve()
        port = PORT if confinement.sandbox.covers else _free_port()
        yield confinement.with_way_out(
            egress.socket,
            launcher=(str(python), "-I", "-S", LAUNCHER, str(egress.socket), str(port), "--"),
            readable=(python, Path(sys.base_prefix), Path(LAUNCHER)),
            env=egress.environment(port),
        )


def _free_port() -> int:
    """For a sandbox whose jobs share the machine's network, and may reach this one port of it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

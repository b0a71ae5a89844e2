"""What is alike in sandboxes that mount nothing: a job finds everything at its own place, or not.

They cannot hide a folder behind another, and have no folders of the system's own to make home and
temporary space of. Decides only.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.errors import CannotRun
from orchestrator.sandboxes.enclosure import Network
from orchestrator.sandboxes.toolchain import tool_roots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from orchestrator.sandboxes.enclosure import Enclosure

_NOWHERE = Path("/nonexistent")
_SCRATCH = ".tmp"

_READS_NOTHING_OF_THE_MACHINES = {"GIT_CONFIG_NOSYSTEM": "1"}
"""For programs that give up when a configuration is there and may not be read."""


def refuse_covers(enclosure: Enclosure) -> None:
    """Raise CannotRun where one folder is to be shown as another."""
    for cover in enclosure.covers:
        if cover.place != cover.source:
            raise CannotRun(
                f"only bubblewrap can show one folder as another, and {cover.place} needs it"
            )


def lent(enclosure: Enclosure) -> tuple[Path, ...]:
    """What the job may read beside what it may write."""
    shown = tuple(cover.place for cover in enclosure.covers if not cover.writable)
    return (*shown, *enclosure.readable)


def environment(env: Mapping[str, str], enclosure: Enclosure) -> dict[str, str]:
    """The job's variables, with home and temporary space in its private folder."""
    roots = {name: str(root) for name, root in tool_roots(env).items()}
    own = {"HOME": str(enclosure.home or _NOWHERE), **_READS_NOTHING_OF_THE_MACHINES}
    if enclosure.home is not None:
        own["TMPDIR"] = str(enclosure.home / _SCRATCH)
    return {**env, **roots, **own}


@asynccontextmanager
async def machines_network(ports: tuple[int, ...]) -> AsyncIterator[Network]:
    """The machine's own loopback, of which jobs may use ``ports``."""
    yield Network(ports)


def met_ports(enclosure: Enclosure) -> tuple[int, ...]:
    """The ports at which this job and others of its verification find each other."""
    return enclosure.network.ports if enclosure.network else ()


def proxy_ports(env: Mapping[str, str], enclosure: Enclosure) -> list[int]:
    """The port of the session's proxy, as its environment names it."""
    port = urlsplit(env.get("HTTP_PROXY", "")).port if enclosure.egress else None
    return [port] if port else []

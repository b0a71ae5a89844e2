"""No sandbox: a job may do whatever the user may. Chosen by name, never fallen back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.sandboxes.in_place import machines_network

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from orchestrator.sandboxes.enclosure import Enclosure, Network
    from orchestrator.supervision.job import Job


class NoSandbox:
    """Leaves every job as it is."""

    name = "none"
    confines = False
    covers = False

    async def make_over(self, enclosure: Enclosure) -> None:
        """Jobs are the user's own: nothing is to be made over."""

    def wrap(self, job: Job, enclosure: Enclosure) -> Job:  # noqa: ARG002 - the protocol's
        return job

    def objects_at(self, objects: Path) -> Path:
        return objects

    def network(self, ports: tuple[int, ...]) -> AbstractAsyncContextManager[Network]:
        return machines_network(ports)

    async def probe(self) -> str:
        return ""

"""No sandbox: a job may do whatever the user may. Chosen by name, never fallen back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.job import Job
    from orchestrator.sandboxes.enclosure import Enclosure


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

    async def probe(self) -> str:
        return ""

"""No sandbox: a job may do whatever the user may. Chosen by name, never fallen back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.process import Job


class NoSandbox:
    """Leaves every job as it is."""

    name = "none"
    confines = False

    def wrap(self, job: Job) -> Job:
        return job

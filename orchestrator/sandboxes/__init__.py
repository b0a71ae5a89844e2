"""What a job may reach. A sandbox rewrites a job so that it runs confined.

``none`` confines nothing and is marked as such on every attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from orchestrator.registry import look_up

if TYPE_CHECKING:
    from orchestrator.process import Job

SANDBOXES = {"none": "orchestrator.sandboxes.none:NoSandbox"}


class Sandbox(Protocol):
    """One way to confine jobs."""

    name: str
    confines: bool

    def wrap(self, job: Job) -> Job:
        """The same job, confined."""


def load(name: str) -> Sandbox:
    """The sandbox of that name; raises UsageError with the names there are."""
    return cast("Sandbox", look_up("sandbox", name, SANDBOXES)())

"""Where commands run. ``local`` is this machine; others come by the same door.

Nothing above this floor knows where a command ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from orchestrator.registry import look_up

if TYPE_CHECKING:
    from orchestrator.supervision.job import Exit, Job
    from orchestrator.supervision.process import OnLine

EXECUTORS = {"local": "orchestrator.executors.local:LocalExecutor"}


class Executor(Protocol):
    """Runs jobs to their end."""

    async def run(self, job: Job, on_line: OnLine | None = None) -> Exit:
        """Run ``job`` to its end and return how it ended.

        ``on_line`` is told each line of standard output, decoded, without its end. Cancelling
        the caller stops the whole job before the cancellation goes on.
        """


def load(name: str) -> Executor:
    """The executor of that name; raises UsageError with the names there are."""
    return cast("Executor", look_up("executor", name, EXECUTORS)())

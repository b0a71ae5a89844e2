"""The executor of this machine: jobs are its own supervised children, and die with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.supervision.process import supervise

if TYPE_CHECKING:
    from orchestrator.supervision.job import Exit, Job
    from orchestrator.supervision.process import OnLine


class LocalExecutor:
    """Runs jobs under this process's supervisor."""

    async def run(self, job: Job, on_line: OnLine | None = None) -> Exit:
        return await supervise(job, on_line)

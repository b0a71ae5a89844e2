"""Reading without an engine: the stored state, opened read-only, answers for itself."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.api.reader import Reader
from orchestrator.jobs.forecaster import Forecaster
from orchestrator.jobs.second_look import look_again
from orchestrator.scratch import scratch_folder
from orchestrator.site import Records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from orchestrator.api.conflict_views import ConflictsView
    from orchestrator.api.models import (
        BriefView,
        DiffView,
        LogChunk,
        StatusView,
        TaskDetail,
    )
    from orchestrator.api.timing_views import TimingView

STORED_MERGES = 2000
"""A single look has to do, so it may take a few seconds."""


class StoredState:
    """The same questions as an engine's client answers."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @classmethod
    @asynccontextmanager
    async def open(cls, common_dir: Path) -> AsyncIterator[StoredState]:
        """Raises StoreError where nothing readable is stored."""
        with Records.open_readonly(common_dir) as records:
            await look_again(records)
            yield cls(Reader(records))

    async def status(self) -> StatusView:
        return self._reader.status()

    async def timing(self, plan: str) -> TimingView:
        return self._reader.timing(plan)

    async def task(self, plan: str, task: str) -> TaskDetail:
        return self._reader.task(plan, task)

    async def log(
        self, plan: str, task: str, *, attempt: int | None = None, after: int = 0
    ) -> LogChunk:
        return self._reader.log(plan, task, attempt, after)

    async def diff(self, plan: str, task: str) -> DiffView:
        return await self._reader.diff(plan, task)

    async def conflicts(self) -> ConflictsView:
        async with scratch_folder() as folder:
            await Forecaster(self._reader.records, folder).look(STORED_MERGES)
        return self._reader.conflicts()

    async def brief(self, plan: str, task: str) -> BriefView:
        return await self._reader.brief(plan, task)

"""What the dashboard asks of an engine, and how it gets hold of one.

``orchestrator.api.client.EngineClient`` is one such engine; tests bring a scripted one. Every
method may raise ClerkError, and EngineUnreachable when nobody answers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestrator.api.changes import ChangesView
    from orchestrator.api.conflict_views import ConflictsView
    from orchestrator.api.log_views import LogFound, LogPage, LogPlace, LogSearch
    from orchestrator.api.models import (
        ActionView,
        BriefView,
        DiffView,
        EventView,
        LogChunk,
        TaskDetail,
        TaskSelection,
    )
    from orchestrator.api.timing_views import TimingView


class Engine(Protocol):
    """The part of the client the dashboard uses."""

    async def changes(self, after: int = 0) -> ChangesView: ...

    def events(self, after: int = 0) -> AsyncIterator[EventView]: ...

    async def task(self, plan: str, task: str) -> TaskDetail: ...

    async def log(
        self, plan: str, task: str, *, attempt: int | None = None, after: int = 0
    ) -> LogChunk: ...

    async def log_page(self, plan: str, task: str, place: LogPlace) -> LogPage: ...

    async def search_log(self, plan: str, task: str, wanted: LogSearch) -> LogFound: ...

    async def conflicts(self) -> ConflictsView: ...

    async def timing(self, plan: str) -> TimingView: ...

    async def diff(self, plan: str, task: str) -> DiffView: ...

    async def brief(self, plan: str, task: str) -> BriefView: ...

    async def merge(self, plan: str, selection: TaskSelection) -> ActionView: ...

    async def approve(self, plan: str, task: str) -> ActionView: ...

    async def retry(self, plan: str, task: str, note: str = "") -> ActionView: ...

    async def cancel(self, plan: str, task: str) -> ActionView: ...

    async def answer(self, plan: str, task: str, text: str) -> ActionView: ...

    async def pause(self, plan: str, task: str | None = None) -> ActionView: ...

    async def resume(self, plan: str, task: str | None = None) -> ActionView: ...

    async def rank(self, plan: str, task: str, by: int) -> ActionView: ...

    async def withdraw(self, plan: str, task: str, *, withdrawn: bool) -> ActionView: ...

    async def revert(
        self, plan: str, task: str, *, update_checkout: bool = False
    ) -> ActionView: ...


Connect = Callable[[], AbstractAsyncContextManager[Engine]]
"""Opens a connection; nothing is asked before it is entered."""

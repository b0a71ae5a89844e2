from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from scripted.building_site import NOW
from textual.pilot import Pilot

import tui.feed
from tui.app import ClerkApp
from tui.task_board import TaskBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scripted.engine import ScriptedEngine


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def impatient_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed's pauses are for engines that work; a scripted one may be asked at once."""
    monkeypatch.setattr(tui.feed, "LEAST_SECONDS_BETWEEN_QUESTIONS", 0.01)
    monkeypatch.setattr(tui.feed, "FIRST_WAIT_SECONDS", 0.02)


class Dashboard:
    """The running app with what a test asks of it."""

    def __init__(self, app: ClerkApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds; the limit is only there to end a test that failed."""
        with anyio.fail_after(10):
            while not condition():
                await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def select(self, task: str, plan: str = "shop") -> None:
        """Put the board's selection on a task, wherever its row is."""
        self.board.selected = (plan, task)
        await self.until(lambda: self.app.screen_stack[0].key == (plan, task))

    @property
    def board(self) -> TaskBoard:
        return self.app.screen_stack[0].query_one(TaskBoard)

    @property
    def shown(self) -> str:
        """Every character on the screen, in lines."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips).replace("\u00a0", " ")

    def board_row(self, task: str) -> str:
        """The line of a task on the board."""
        return next(line for line in self.shown.splitlines() if f" {task} " in line)

    @property
    def notices(self) -> list[str]:
        return [str(notice.message) for notice in self.app._notifications]

    def sees(self, *texts: str) -> bool:
        shown = self.shown
        return all(text in shown for text in texts)


@pytest.fixture
def dashboard():
    """Opens a dashboard on a scripted engine, once its first status is shown."""

    @asynccontextmanager
    async def open_on(
        engine: ScriptedEngine, size: tuple[int, int] = (120, 35)
    ) -> AsyncIterator[Dashboard]:
        app = ClerkApp(lambda: engine, clock=lambda: NOW)
        async with app.run_test(size=size) as pilot:
            opened = Dashboard(app, pilot)
            await opened.until(lambda: app.site.status or app.site.trouble)
            await pilot.pause()
            yield opened

    return open_on

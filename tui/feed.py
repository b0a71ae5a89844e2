"""The dashboard's ear: follows the engine's events and asks what changed when there were any.

However many events come, the engine is asked a few times a second at most, and never so
often that asking becomes the main occupation. When the engine goes away the feed says so and
tries again, ever more patiently. It knows no widget: it tells what it heard through ``tell``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from textual.message import Message

from orchestrator.api.changes import renewed
from orchestrator.errors import ClerkError, EngineUnreachable
from tui.news import News

if TYPE_CHECKING:
    from orchestrator.api.models import StatusView
    from tui.engine_port import Connect, Engine

LEAST_SECONDS_BETWEEN_QUESTIONS = 0.25
LARGEST_SHARE_OF_TIME = 0.25
"""Of the time that may go into asking, when the answers are large."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0


@dataclass
class StatusRead(Message):
    """The engine told its status."""

    status: StatusView

    def can_replace(self, message: Message) -> bool:
        """Only the newest status is worth showing."""
        return isinstance(message, StatusRead)


@dataclass
class EngineLost(Message):
    """The engine does not answer; the feed tries again in ``wait_seconds``."""

    reason: str
    wait_seconds: float


Tell = Callable[[Message], object]


async def follow(connect: Connect, tell: Tell) -> None:
    """Tell every status worth showing, for as long as the dashboard lives."""
    wait = FIRST_WAIT_SECONDS
    while True:
        answered = False

        def heard(message: Message) -> None:
            nonlocal answered
            answered = True
            tell(message)

        reason = await _follow_once(connect, heard)
        wait = FIRST_WAIT_SECONDS if answered else min(wait * 2, LONGEST_WAIT_SECONDS)
        tell(EngineLost(reason, wait))
        await anyio.sleep(wait)


async def _follow_once(connect: Connect, tell: Tell) -> str:
    """Follow one connection to its end; the reason it ended."""
    try:
        async with connect() as engine:
            known = _Known()
            status = await known.ask(engine)
            tell(StatusRead(status))
            await _until_events_end(engine, known, status.last_seq, tell)
    except EngineUnreachable:
        return "engine stopped"
    except ClerkError as error:
        return str(error)
    return "engine stopped"


class _Known:
    """What was told so far on one connection, so that only changes need be told from now on."""

    def __init__(self) -> None:
        self._status: StatusView | None = None
        self._revision = 0

    async def ask(self, engine: Engine) -> StatusView:
        changes = await engine.changes(self._revision)
        self._status = renewed(self._status, changes)
        self._revision = changes.revision
        return self._status


async def _until_events_end(engine: Engine, known: _Known, after: int, tell: Tell) -> None:
    news = News()
    failures: list[ClerkError] = []
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            try:
                await _ask_when_there_is_news(engine, known, news, tell)
            except ClerkError as error:
                failures.append(error)
                group.cancel_scope.cancel()

        group.start_soon(ask)
        try:
            async for _event in engine.events(after):
                news.came()
        except ClerkError as error:
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]


async def _ask_when_there_is_news(engine: Engine, known: _Known, news: News, tell: Tell) -> None:
    while True:
        await news.wait()
        started = anyio.current_time()
        tell(StatusRead(await known.ask(engine)))
        took = anyio.current_time() - started
        await anyio.sleep(max(LEAST_SECONDS_BETWEEN_QUESTIONS, took / LARGEST_SHARE_OF_TIME))

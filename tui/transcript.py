"""The transcript of a session, as it grows: asked for piece by piece, and told as messages.

A long one is read from near its end: what a person wants to see is how it goes on. It knows no
widget; ``dialogue`` makes lines of the pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from textual.message import Message

from orchestrator.api.log_views import LONGEST_PAGE, LogPlace
from orchestrator.errors import ClerkError

if TYPE_CHECKING:
    from tui.board_model import Key
    from tui.engine_port import Connect, Engine
    from tui.news import News

SECONDS_BETWEEN_LOOKS = 1.0
"""While a session writes; its events wake the tail earlier."""

_LONG = 128 * 1024
"""Characters of the first piece from which on there is likely to be much more."""


@dataclass
class LogRead(Message):
    """A piece of the transcript of ``attempt``; ``starts`` says that it is the first that is read.

    ``left_out`` bytes stand before that.
    """

    attempt: int
    text: str
    starts: bool
    left_out: int = 0


@dataclass
class LogFailed(Message):
    """There is no transcript to be had now."""

    reason: str


async def tail(
    connect: Connect,
    key: Key,
    *,
    attempt: int | None,
    newest: Callable[[], int],
    wake: News,
    tell: Callable[[Message], object],
) -> None:
    """Tell the transcript of ``attempt``, or of the newest and every one that follows it."""
    reader = _Reader(key, attempt, newest, follows=attempt is None)
    while True:
        try:
            async with connect() as engine:
                while True:
                    await reader.read_on(engine, wake, tell)
        except ClerkError as error:
            tell(LogFailed(str(error)))
            await wake.wait()


class _Reader:
    """Where in which attempt's log we are."""

    def __init__(
        self, key: Key, attempt: int | None, newest: Callable[[], int], *, follows: bool
    ) -> None:
        self._key = key
        self._attempt = attempt
        self._newest = newest
        self._follows = follows
        self._after = 0

    async def read_on(self, engine: Engine, wake: News, tell: Callable[[Message], object]) -> None:
        """Ask once and tell; then wait unless there is more to be had at once."""
        chunk = await engine.log(*self._key, attempt=self._attempt, after=self._after)
        if not self._after and len(chunk.text) > _LONG:
            await self._begin_near_the_end(engine, chunk.attempt, tell)
            return
        if chunk.text or not self._after:
            tell(LogRead(chunk.attempt, chunk.text, starts=not self._after))
        moved = chunk.next != self._after
        self._attempt, self._after = chunk.attempt, chunk.next
        if moved:
            await anyio.lowlevel.checkpoint()
        elif chunk.ended and self._follows and self._newest() > chunk.attempt:
            self._attempt, self._after = chunk.attempt + 1, 0
        elif chunk.ended:
            await wake.wait()
        else:
            with anyio.move_on_after(SECONDS_BETWEEN_LOOKS):
                await wake.wait()

    async def _begin_near_the_end(
        self, engine: Engine, attempt: int, tell: Callable[[Message], object]
    ) -> None:
        page = await engine.log_page(*self._key, LogPlace(attempt=attempt, most=LONGEST_PAGE))
        tell(LogRead(attempt, page.text, starts=True, left_out=page.start))
        self._attempt, self._after = attempt, page.end

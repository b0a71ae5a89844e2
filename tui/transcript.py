"""The log of a session, as it comes: pieces in, whole lines out.

``tail`` asks the engine piece by piece and tells what it got; ``Transcript`` puts pieces that
end anywhere together to lines. Neither knows a widget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from textual.message import Message

from orchestrator.errors import ClerkError
from tui.fit import LINE_LIMIT
from tui.story import Line

if TYPE_CHECKING:
    from tui.board_model import Key
    from tui.engine_port import Connect, Engine
    from tui.news import News

SECONDS_BETWEEN_LOOKS = 1.0
"""While a session writes; its events wake the tail earlier."""


@dataclass
class LogRead(Message):
    """A piece of the transcript of ``attempt``; ``starts`` says that it is its beginning."""

    attempt: int
    text: str
    starts: bool


@dataclass
class LogFailed(Message):
    """There is no transcript to be had now."""

    reason: str


class Transcript:
    """Puts pieces together; holds back nothing: the line that is not ended yet is told too."""

    def __init__(self) -> None:
        self._open = ""

    def add(self, text: str) -> tuple[list[Line], int]:
        """Lines to show, and how many of those shown before they replace (0 or 1)."""
        replaces = 1 if self._open else 0
        *whole, last = (self._open + text).split("\n")
        self._open = last[: LINE_LIMIT + 1]
        return [Line(line) for line in (*whole, *filter(None, (self._open,)))], replaces


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
        plan, task = self._key
        chunk = await engine.log(plan, task, attempt=self._attempt, after=self._after)
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

"""Asks the engine for all about one task, each time it has changed. It knows no widget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from orchestrator.errors import ClerkError, EngineUnreachable

if TYPE_CHECKING:
    from orchestrator.api.models import BriefView, DiffView, TaskDetail
    from tui.board_model import Key
    from tui.engine_port import Connect
    from tui.news import News

T = TypeVar("T")


@dataclass
class TaskRead(Message):
    """What the engine told of a task; a sentence stands where it could not tell something."""

    detail: TaskDetail | str
    diff: DiffView | str
    brief: BriefView | str

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, TaskRead)


async def look(
    connect: Connect, key: Key, changed: News, tell: Callable[[Message], object]
) -> None:
    """Tell all about the task whenever it has changed."""
    while True:
        await changed.wait()
        try:
            async with connect() as engine:
                detail = await _or_why(engine.task(*key))
                diff = await _or_why(engine.diff(*key))
                tell(TaskRead(detail, diff, await _or_why(engine.brief(*key))))
        except EngineUnreachable:
            continue  # the banner says so, and a status that comes back wakes us


async def _or_why(asked: Awaitable[T]) -> T | str:
    try:
        return await asked
    except EngineUnreachable:
        raise
    except ClerkError as error:
        return str(error)

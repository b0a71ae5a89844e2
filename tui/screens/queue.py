"""The merge queue: what lands next, why the rest does not yet, and what will conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.conflict_story import conflict_lines
from tui.ink import Ink
from tui.line import Line
from tui.lines_view import LinesView
from tui.queue_story import queue_lines
from tui.screens.place import PlaceScreen

if TYPE_CHECKING:
    from orchestrator.api.conflict_views import ConflictsView
    from tui.engine_port import Engine


@dataclass
class ConflictsRead(Message):
    """Which branches in flight will conflict."""

    conflicts: ConflictsView


class QueueScreen(PlaceScreen):
    """Everything that is in line to land."""

    CSS_PATH = "queue.tcss"
    place = "queue"

    def on_mount(self) -> None:
        self._conflicts: ConflictsView | None = None
        self.ask_on_news(self._ask)

    def on_conflicts_read(self, message: ConflictsRead) -> None:
        self._conflicts = message.conflicts
        self.show_view()

    def show_view(self) -> None:
        status = self.site.status
        told = queue_lines(status.queues, self.clock()) if status else [_NO_ENGINE]
        if self._conflicts is not None:
            told += conflict_lines(self._conflicts)
        self.query_one("#queue", LinesView).show(told)

    def tick_view(self) -> None:
        self.show_view()

    async def _ask(self, engine: Engine) -> None:
        self.post_message(ConflictsRead(await engine.conflicts()))


_NO_ENGINE = Line("No engine answers yet.", Ink.STRONG)

"""An agent that has a last word, for the case of one that stays after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.agents.command import CommandAgent
from orchestrator.agents.protocol import Finished

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.agents.protocol import AgentEvent

LAST_WORD = "that was my last word"


class LastWord(CommandAgent):
    """A command that says in a line of its own that it is done."""

    def read(self, line: str) -> Iterable[AgentEvent]:
        if line.strip() == LAST_WORD:
            return [Finished("done")]
        return super().read(line)

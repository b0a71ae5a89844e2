"""A session told in lines: what a person reads while the raw output lies beside it.

One line an event, with its time in UTC; what is said may go on in lines that are indented, so that
none of them can pass for an event. Bounded on disk like every log. Foreign text passes ``safe_text``,
so that the file may be shown as it is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.agents.protocol import (
    AgentEvent,
    Asked,
    Failed,
    Finished,
    Message,
    RateLimited,
    Started,
    ToolCall,
    UsageReported,
)
from orchestrator.safe_text import safe_text
from orchestrator.supervision.pipes import BoundedLog

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.results import SessionResult

_BYTES = 8 * 1024 * 1024
_CHARACTERS = 4000
_SAID = (Message, Asked, Finished)
_NEWLINE, _NEXT_LINE = "\n", "\n    "


def describe(event: AgentEvent) -> str:  # noqa: PLR0911 - one for each kind of event
    """An event in a word and its text."""
    match event:
        case Started(session_id):
            return f"started {session_id}"
        case Message(text):
            return f"says {text}"
        case ToolCall(name, summary):
            return f"calls {name} {summary}"
        case UsageReported(usage):
            return f"used {usage.tokens} tokens, {usage.cost_usd:.4f} USD"
        case RateLimited(_, reason):
            return f"rate-limited {reason}"
        case Asked(question):
            return f"asks {question}"
        case Finished(text):
            return f"finished {text}"
        case Failed(reason):
            return f"failed {reason}"


class Transcript:
    """The file of one session."""

    def __init__(self, path: Path) -> None:
        self._log = BoundedLog(path, _BYTES)

    def write(self, event: AgentEvent) -> None:
        self._tell(describe(event), in_lines=isinstance(event, _SAID))

    def _tell(self, told: str, *, in_lines: bool = False) -> None:
        clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = safe_text(told, limit=_CHARACTERS, one_line=not in_lines).strip()
        self._log.write(f"{clock} {text.replace(_NEWLINE, _NEXT_LINE)}\n".encode())

    def end(self, result: SessionResult, raw: Path) -> None:
        """How the session ended, and where all is that it printed: most of it is no event."""
        why = f": {result.reason}" if result.reason else ""
        self._tell(f"ended {result.outcome.replace('_', ' ')}{why}")
        self._tell(f"all that it printed is in {raw}")

    def close(self) -> None:
        self._log.close()

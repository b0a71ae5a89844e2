"""What a session has told, and what that comes to: the pure half of ``session``.

Two witnesses tell how a session ended, the agent's last word and the end of its process, and
they may differ. Which one is believed when is decided here and nowhere else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from orchestrator.agents.protocol import (
    Asked,
    Failed,
    Finished,
    Message,
    RateLimited,
    Started,
    ToolCall,
    UsageReported,
)
from orchestrator.results import SessionResult, Usage
from orchestrator.states import Outcome
from orchestrator.supervision.job import Ending

if TYPE_CHECKING:
    from orchestrator.agents.protocol import AgentEvent
    from orchestrator.supervision.job import Exit

LINGER_SECONDS = 10.0
"""How long an agent may stay after its last word; background tasks have kept some for ever."""


class Hearing:
    """What a session has told so far, and until when it may go on.

    ``stop_at`` is on the event loop's clock. A verdict stands until another one; a failure or a
    rate limit also until the agent goes on working, since clients retry by themselves.
    """

    def __init__(self, tokens_left: int | None, cost_left: float | None) -> None:
        self.session_id: str | None = None
        self.usage = Usage()
        self.words = ""
        self.verdict: RateLimited | Asked | Finished | Failed | None = None
        self.stop_at = math.inf
        self._tokens_left = tokens_left
        self._cost_left = cost_left
        self._is_bound = False

    def hear(self, event: AgentEvent, now: float) -> None:
        match event:
            case Started(session_id):
                self.session_id = session_id
            case UsageReported(usage):
                self.usage = usage
            case Message() | ToolCall():
                self._go_on(event)
            case RateLimited() | Asked() | Finished() | Failed() if not self._is_bound:
                self.verdict = event
        self.stop_at = self._patience(now)

    def bind(self, event: Asked, now: float) -> None:
        """Hear what stands whatever else is told: an agent that asks at the door says "done", too."""
        self._is_bound = False
        self.hear(event, now)
        self._is_bound = True

    @property
    def is_done(self) -> bool:
        return isinstance(self.verdict, Finished | Asked)

    def over(self) -> str:
        """What of its budget the session has passed, empty while it has not.

        One that is done is not over: its work is there and can be verified.
        """
        if self.is_done:
            return ""
        if self._tokens_left is not None and self.usage.tokens > self._tokens_left:
            return f"used {self.usage.tokens:,} tokens, {self._tokens_left:,} were left"
        if self._cost_left is not None and self.usage.cost_usd > self._cost_left:
            return f"cost {self.usage.cost_usd:.2f} USD, {self._cost_left:.2f} were left"
        return ""

    @property
    def _is_lost(self) -> bool:
        return isinstance(self.verdict, Failed) and self.verdict.final

    def _go_on(self, event: Message | ToolCall) -> None:
        if isinstance(event, Message):
            self.words = event.text
        if isinstance(self.verdict, RateLimited | Failed):
            self.verdict = None

    def _patience(self, now: float) -> float:
        if self.over() or self._is_lost:
            return -math.inf
        if self.is_done:
            return now + LINGER_SECONDS
        if isinstance(self.verdict, Failed):
            return min(self.stop_at, now + LINGER_SECONDS)
        return math.inf


def result_of(hearing: Hearing, exit_: Exit | None, seconds: float, words: str) -> SessionResult:
    """How a session ended: from what it told and how its process ended (none: we stopped it).

    ``words`` are the last ones of its log, for a failure that was not told otherwise.
    """
    outcome, reason = _outcome(hearing, exit_, words)
    return SessionResult(
        outcome=outcome,
        reason=reason,
        message=_closing_words(hearing),
        exit_code=exit_.code if exit_ else None,
        session_id=hearing.session_id,
        usage=hearing.usage,
        seconds=seconds,
        retry_at=hearing.verdict.until if isinstance(hearing.verdict, RateLimited) else None,
    )


def _outcome(hearing: Hearing, exit_: Exit | None, words: str) -> tuple[Outcome, str]:
    if over := hearing.over():
        return Outcome.OVER_BUDGET, over
    if exit_ is not None and exit_.ending is Ending.WALL:
        return Outcome.TIMED_OUT, f"stopped after {exit_.seconds:.0f} s, its longest time"
    if exit_ is not None and exit_.breach and not hearing.is_done:
        return Outcome.FAILED, f"the agent was killed: {exit_.breach}"
    return _told_outcome(hearing) or _exit_outcome(exit_, words)


def _told_outcome(hearing: Hearing) -> tuple[Outcome, str] | None:
    """The outcome by the agent's own last word, None when there was none."""
    match hearing.verdict:
        case Finished():
            return Outcome.COMPLETED, ""
        case Asked(question):
            return Outcome.ASKED, f"asks: {question}"
        case RateLimited(_, reason):
            return Outcome.RATE_LIMITED, reason or "the service limits the rate"
        case Failed(reason):
            return Outcome.FAILED, reason
    return None


def _exit_outcome(exit_: Exit | None, words: str) -> tuple[Outcome, str]:
    """The outcome by the end of the process, of a session that told nothing of its own end."""
    if exit_ is not None and exit_.error:
        return Outcome.FAILED, f"the agent could not be started: {exit_.error}"
    if exit_ is not None and exit_.ending is Ending.IDLE:
        return Outcome.STALLED, f"stopped after {exit_.seconds:.0f} s, having been silent too long"
    if exit_ is not None and exit_.ok:
        return Outcome.COMPLETED, ""
    if exit_ is not None and exit_.signal is not None:
        how = f"the agent was killed by signal {exit_.signal}"
    else:
        how = f"the agent exited with {exit_.code if exit_ else 'no code'}"
    return Outcome.FAILED, f"{how}: {words}" if words else how


def _closing_words(hearing: Hearing) -> str:
    match hearing.verdict:
        case Asked(question):
            return question
        case Finished(text) if text:
            return text
    return hearing.words

"""One session: an agent's process, what it tells, and how it ended.

Here the parts meet that know nothing of each other: the adapter's command goes through the
confinement to the executor, the output comes back through the adapter as events. An agent that has
said its last word but does not go away is stopped; so is one whose usage passes what is left.
Whether anything changed in the worktree, and whether the agent's word is true, is not judged
here. A session that is cancelled is stopped wholly, and the cancellation goes on to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import anyio

from orchestrator.agents.protocol import Message, Started, ToolCall, UsageReported
from orchestrator.allowance import Allowance
from orchestrator.errors import UsageError
from orchestrator.log_tail import last_words
from orchestrator.results import SessionResult
from orchestrator.sessions.hearing import Hearing, result_of
from orchestrator.sessions.letterbox import Letterbox
from orchestrator.sessions.transcript import Transcript
from orchestrator.states import Outcome
from orchestrator.supervision.job import Job
from orchestrator.supervision.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.agents.protocol import Agent, AgentEvent, Asked, Prompt
    from orchestrator.executors import Executor
    from orchestrator.gateway import Gateway
    from orchestrator.sandboxes import Confinement
    from orchestrator.supervision.job import Exit

    Connect = Callable[[Gateway | None], AbstractAsyncContextManager[Confinement]]

_MESSAGES_PER_SECOND = 20.0
_MESSAGE_BURST = 100.0


async def run_session(
    *,
    agent: Agent,
    prompt: Prompt,
    executor: Executor,
    connect: Connect,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    cookie: str,
    wall_seconds: float | None,
    idle_seconds: float | None,
    tokens_left: int | None,
    cost_left: float | None,
    on_event: Callable[[AgentEvent], None],
    letterbox: Letterbox | None = None,
    pulse: Pulse | None = None,
    log_bytes: int = 32 * 1024 * 1024,
    grace_seconds: float = 5.0,
    allowance: Allowance | None = None,
) -> SessionResult:
    """Run one session to its end.

    ``connect`` opens what the session is confined to, given the gateway its agent asks for.
    ``env`` is complete (``environment``'s affair); ``log`` receives the raw output, at most about
    ``log_bytes``, ``transcript.log`` beside it the readable one; ``on_event`` is told events
    on the event loop, at a bounded rate; while ``pulse`` is held silence is not counted. Never raises for what an agent does: a command that is
    missing, or a profile that cannot be, is a FAILED session with the mend in its reason.
    """
    try:
        command = agent.command(prompt)
    except UsageError as error:
        return SessionResult(Outcome.FAILED, str(error))
    job = Job(
        argv=command.argv,
        cwd=cwd,
        env={**env, **command.env},
        cookie=cookie,
        log=log,
        stdin=command.stdin,
        wall_seconds=wall_seconds,
        idle_seconds=idle_seconds,
        log_bytes=log_bytes,
        grace_seconds=grace_seconds,
        allowance=allowance or Allowance(),
        pulse=pulse or Pulse(),
    )
    hearing = Hearing(tokens_left, cost_left)
    transcript = Transcript(log.with_name("transcript.log"))
    told = _Sparing(on_event)
    began = anyio.current_time()
    exit_: Exit | None = None

    def read(line: str) -> None:
        now = anyio.current_time()
        for event in agent.read(line):
            hearing.hear(event, now)
            pass_on(event, now)
        scope.deadline = hearing.stop_at

    def pass_on(event: AgentEvent, now: float) -> None:
        transcript.write(event)
        told.tell(event, now)

    def read_letter(event: Asked) -> None:
        now = anyio.current_time()
        hearing.bind(event, now)
        pass_on(event, now)
        scope.deadline = hearing.stop_at

    try:
        async with connect(command.gateway) as confinement:
            confined = confinement.lending(command.readable).wrap(job)
            with anyio.CancelScope() as scope, (letterbox or Letterbox()).emptied_by(read_letter):
                exit_ = await executor.run(confined, read)
        result = result_of(hearing, exit_, anyio.current_time() - began, last_words(log))
        transcript.end(result, log)
    finally:
        transcript.close()
    return result


_SHOWN = Started | Message | ToolCall | UsageReported
"""What an agent may tell without end; each that is passed on is written to the database."""


class _Sparing:
    """Passes events on, but of many only so many a second: nobody reads faster."""

    def __init__(self, on_event: Callable[[AgentEvent], None]) -> None:
        self._on_event = on_event
        self._allowance = _MESSAGE_BURST
        self._at = 0.0

    def tell(self, event: AgentEvent, now: float) -> None:
        if isinstance(event, _SHOWN) and not self._may(now):
            return
        self._on_event(event)

    def _may(self, now: float) -> bool:
        earned = (now - self._at) * _MESSAGES_PER_SECOND
        self._allowance, self._at = min(_MESSAGE_BURST, self._allowance + earned), now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

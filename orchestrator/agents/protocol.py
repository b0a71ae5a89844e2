"""What an agent adapter is: a translator, nothing more.

It turns a prompt into a command, and lines of output into events. It neither spawns, nor reads
files of the worktree, nor knows git, tasks' states or the store. One adapter object serves one
session, so it may remember what it has read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from orchestrator.plan.model import Needs
from orchestrator.results import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from orchestrator.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one session is asked.

    ``path`` is a file outside the worktree that holds ``text``; ``resume`` the agent's own
    session id when an earlier session is to be continued; ``plan_folder`` is where paths in the
    plan are relative to; ``environ`` is the user's own environment, for an adapter to find its
    agent's login in.
    """

    text: str
    path: Path
    plan: str
    task: str
    attempt: int
    worktree: Path
    plan_folder: Path
    resume: str | None = None
    budget_tokens: int | None = None
    budget_cost_usd: float | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class AgentCommand:
    """The command line of a session; ``stdin`` is a file to read from, none means empty.

    ``readable`` is what it must see in a sandbox besides the programs on PATH.

    ``gateway`` is how its model is reached where the session is not to know the secret: what it
    sets wins over ``env``.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: Path | None = None
    readable: tuple[Path, ...] = ()
    gateway: Gateway | None = None


@dataclass(frozen=True, slots=True)
class Started:
    session_id: str


@dataclass(frozen=True, slots=True)
class Message:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The session's usage in total so far (not a difference)."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class RateLimited:
    """``until`` is POSIX seconds, none when the service did not say."""

    until: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    question: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent says it is done; nobody believes it until it is verified."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """``final``: the agent goes on trying in vain and need not be waited for."""

    reason: str
    final: bool = False


AgentEvent = Started | Message | ToolCall | UsageReported | RateLimited | Asked | Finished | Failed


class Agent(Protocol):
    """One session's adapter.

    ``needs`` is what every session of this kind of agent is lent in a sandbox, where it is there
    (its login, the hosts of its model), on top of what the plan's profile lists.
    """

    can_resume: bool
    needs: Needs

    def command(self, prompt: Prompt) -> AgentCommand:
        """The command that starts the session. Raises UsageError for an impossible profile."""

    def read(self, line: str) -> Iterable[AgentEvent]:
        """The events told by one line of standard output; unknown lines tell nothing."""

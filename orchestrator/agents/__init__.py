"""The agents this program can speak with.

An adapter translates between one agent and the words of ``protocol``; adding one is a file, a
line here and a test. What a session *is* and how it ends is ``sessions``'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.errors import UsageError
from orchestrator.plan.diagnostics import Problem, refusal
from orchestrator.registry import look_up

if TYPE_CHECKING:
    from orchestrator.agents.protocol import Agent
    from orchestrator.plan.model import AgentProfile, Plan

AGENTS = {
    "claude": "orchestrator.agents.claude:ClaudeAgent",
    "command": "orchestrator.agents.command:CommandAgent",
    "replay": "orchestrator.agents.replay:ReplayAgent",
}


def names() -> tuple[str, ...]:
    """The built-in agents."""
    return tuple(sorted(AGENTS))


def load(profile: AgentProfile) -> Agent:
    """A fresh adapter for one session.

    Raises UsageError for an unknown type, and for a profile whose fields the agent does not
    understand or misses: call it once when a plan is started to find out early.
    """
    found = look_up("agent", profile.type, AGENTS)
    if not (isinstance(found, type) and hasattr(found, "command") and hasattr(found, "read")):
        raise UsageError(f"{profile.type!r} is no agent; name a class with 'command' and 'read'")
    return cast("Agent", found(profile))


def check_profiles(plan: Plan, *, shown_path: str) -> None:
    """Refuse a plan whose agents cannot be, before anything starts; tells of all of them at once.

    Raises PlanError, each problem led by ``shown_path``.
    """
    problems = []
    for name, profile in dict(map(plan.agent_of, plan.tasks)).items():
        try:
            load(profile)
        except UsageError as error:
            problems.append(Problem(None, f"agent {name!r}: {error}"))
    if problems:
        raise refusal(problems, shown_path=shown_path)

"""Refuses what a profile says and its agent would not heed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.plan.model import AgentProfile

_OF_EVERY_AGENT = frozenset({"type", "env", "needs"})


def refuse_unknown(profile: AgentProfile, *understood: str) -> None:
    """Raise UsageError when a field was set that is not among ``understood``."""
    for name in sorted(profile.model_fields_set - _OF_EVERY_AGENT - set(understood)):
        listed = ", ".join(sorted(_OF_EVERY_AGENT | set(understood)))
        raise UsageError(
            f"an agent of type {profile.type!r} has no {name!r}; it understands {listed}"
        )


def require(profile: AgentProfile, name: str, example: str) -> str:
    """The value of a field the agent cannot do without; raises UsageError."""
    value = getattr(profile, name)
    if not value:
        raise UsageError(f"an agent of type {profile.type!r} needs {name!r}, e.g. {example}")
    return str(value)

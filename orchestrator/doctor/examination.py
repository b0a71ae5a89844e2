"""All checks, as data, and their making: side by side, told in this order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import anyio

from orchestrator.doctor import confinement, machine, premises, programs
from orchestrator.doctor.finding import Finding, missing
from orchestrator.errors import ClerkError

if TYPE_CHECKING:
    from orchestrator.doctor.ground import Ground

Probe = Callable[["Ground"], Awaitable[Iterable[Finding]]]

CHECKS: Sequence[tuple[str, Probe]] = (
    ("git", programs.git),
    ("python", programs.python),
    ("tools", programs.tools),
    ("sandbox", confinement.sandboxes),
    ("agents", programs.plan_agents),
    ("needs", premises.lent),
    ("disk", machine.disk),
    ("memory", machine.memory),
    ("limits", machine.limits),
    ("sockets", machine.sockets),
    ("clock", machine.clock),
    ("terminal", machine.terminal),
    ("repository", premises.repository),
    ("settings", premises.settings),
    ("hooks", premises.hooks),
    ("locks", premises.locks),
    ("worktrees", premises.worktrees),
    ("database", premises.database),
    ("gh", programs.hosting),
)


async def examine(ground: Ground) -> list[Finding]:
    """Everything the doctor has to say, in the order of ``CHECKS``."""
    found: dict[str, list[Finding]] = {}

    async def look(name: str, probe: Probe) -> None:
        try:
            found[name] = list(await probe(ground))
        except (ClerkError, OSError) as error:
            found[name] = [missing(name, f"it cannot be looked at: {error}")]

    async with anyio.create_task_group() as group:
        for name, probe in CHECKS:
            group.start_soon(look, name, probe)
    return [finding for name, _ in CHECKS for finding in found[name]]

"""Who is in line for a target, and how each stands: for showing only, nothing is decided from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.states import QueueMode


class LineStanding(StrEnum):
    """How one in line stands."""

    WAITING = "waiting"
    VERIFYING = "verifying"
    PASSED = "passed"
    RED = "red"
    CONFLICT = "conflict"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Place:
    """One in line. ``on`` are the tasks in front that its candidate holds, in order."""

    plan: str
    task: str
    standing: LineStanding = LineStanding.WAITING
    reason: str = ""
    candidate: str = ""
    on: tuple[str, ...] = ()
    since: float = 0.0
    reverts: bool = False


@dataclass(frozen=True, slots=True)
class LineView:
    """The line of one target at its last look; ``held`` is why all of it waits."""

    target: str
    commit: str = ""
    mode: QueueMode = QueueMode.AUTO
    slots: int = 1
    failure_rate: float = 0.0
    held: str = ""
    places: tuple[Place, ...] = ()

"""What may come of a task that was in line to land: one value for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.results import Verification


@dataclass(frozen=True, slots=True)
class Landed:
    """The target holds the task; ``notes`` tell of checkouts that were not brought along."""

    commit: str
    base: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The task and the target change the same lines; ``hunks`` shows them in few tokens."""

    target: str
    paths: tuple[str, ...]
    hunks: str


@dataclass(frozen=True, slots=True)
class Red:
    """The merged result fails where the target alone passes."""

    target: str
    verification: Verification


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """The merged result could not be judged; nobody is to blame."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """Landing waits for a person, for ``reason``."""

    reason: str


Outcome = Landed | Conflicted | Red | Inconclusive | Held

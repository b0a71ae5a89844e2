"""What deciding comes to: the actions to take now, as values, and when to decide again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StartBaseline:
    plan: str


@dataclass(frozen=True, slots=True)
class StartSession:
    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class StartVerification:
    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class StartBackfill:
    """Verify by itself what landed below something that was verified."""

    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class StartLanding:
    """Let the queue of a target work; it takes in by itself whatever comes into line."""

    target: str


@dataclass(frozen=True, slots=True)
class StartHandover:
    """Hand a proven task over, or look what became of its pull request."""

    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class BringUp:
    """A stacked task whose dependencies are others by now than those it stands on."""

    plan: str
    task: str


@dataclass(frozen=True, slots=True)
class Settle:
    """A task that can never start, or go on, since ``settled_by`` will not land.

    What is in hand for it is to be stopped first.
    """

    plan: str
    task: str
    settled_by: str
    reason: str


Action = (
    StartBaseline
    | StartSession
    | StartVerification
    | StartBackfill
    | StartLanding
    | StartHandover
    | BringUp
    | Settle
)


@dataclass(frozen=True, slots=True)
class Decision:
    """``actions`` to take now, and ``wake_at``: when time alone will change the decision."""

    actions: tuple[Action, ...] = ()
    wake_at: float | None = None
    quiet_plans: frozenset[str] = field(default_factory=frozenset)

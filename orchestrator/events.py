"""The facts the engine announces.

An event is a record of something that has happened, never a command: the engine decides from
stored state, so that a lost or doubled event changes nothing. Events are appended to the store
and streamed to clients in the order of their ``seq``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class EventKind(StrEnum):
    """What happened; ``subject_verb`` so that clients can filter by subject."""

    ENGINE_STARTED = "engine_started"
    PLAN_STARTED = "plan_started"
    PLAN_CHANGED = "plan_changed"
    PLAN_PAUSED = "plan_paused"
    PLAN_RESUMED = "plan_resumed"
    PLAN_SETTLED = "plan_settled"
    BASELINE_VERIFIED = "baseline_verified"
    TASK_CHANGED = "task_changed"
    TASK_NOTED = "task_noted"
    SESSION_PROGRESSED = "session_progressed"
    SESSION_NOTED = "session_noted"
    CHECK_ENDED = "check_ended"
    VERIFICATION_ENDED = "verification_ended"
    TASK_MERGED = "task_merged"
    TASK_REVERTED = "task_reverted"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact.

    ``seq`` is the store's running number (0 until stored), ``at`` is POSIX time in seconds,
    ``message`` one sentence for people, ``data`` JSON-able detail for programs.
    """

    kind: EventKind
    plan: str = ""
    task: str = ""
    attempt: int = 0
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0
    seq: int = 0

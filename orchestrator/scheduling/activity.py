"""What is going on right now: facts worth showing but not worth keeping.

Lost with the engine and built up again by it. Deciding never looks here; only views do.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from orchestrator.events import EventKind
from orchestrator.results import Usage
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.events import Event
    from orchestrator.git.stragglers import Straggler
    from orchestrator.line import LineView
    from orchestrator.readiness import Survey
    from orchestrator.results import CheckResult
    from orchestrator.scheduling.decision import TaskKey

GENERATING = "generating"
VERIFYING = "verifying"
QUEUEING = "queueing"
PERSON = "waiting for a person"

CANDIDATE = "candidate"
"""The purpose of a verification of what is about to land."""

SPENT_ON = {
    TaskState.PENDING: QUEUEING,
    TaskState.RETRY_QUEUED: QUEUEING,
    TaskState.RUNNING: GENERATING,
    TaskState.VERIFYING: VERIFYING,
    TaskState.MERGING: VERIFYING,
    TaskState.VERIFIED: PERSON,
    TaskState.NEEDS_INPUT: PERSON,
}
"""What the time that a task stays in a state is spent on."""


@dataclass(slots=True)
class TaskActivity:
    """One task: what its session does, its checks so far, where its time went (seconds).

    ``logs`` are those of checks that began since they were last said to.
    """

    line: str = ""
    session_started_at: float = 0.0
    usage: Usage = field(default_factory=Usage)
    checks: dict[str, CheckResult] = field(default_factory=dict)
    running_checks: set[str] = field(default_factory=set)
    logs: dict[str, Path] = field(default_factory=dict)
    survey: Survey | None = None
    spent: dict[str, float] = field(default_factory=dict)

    def begin_session(self, now: float) -> None:
        self.line = "starting"
        self.session_started_at = now
        self.usage = Usage()

    def end_session(self) -> None:
        self.line = ""
        self.session_started_at = 0.0
        self.usage = Usage()

    def begin_checks(self, names: Iterable[str]) -> None:
        self.running_checks = set(names)
        self.checks = {}
        self.logs = {}

    def begin_check(self, name: str, log: Path) -> None:
        self.logs[name] = log

    def end_check(self, result: CheckResult) -> None:
        self.running_checks.discard(result.check)
        self.checks[result.check] = result


CANDIDATES_REMEMBERED = 20
CANDIDATES_THAT_TELL = 3
"""Fewer than so many say nothing of how long the next one takes."""


class Activity:
    """The activity of every task, by plan and id, and how long candidates took of late."""

    def __init__(self) -> None:
        self._tasks: dict[TaskKey, TaskActivity] = {}
        self.lines: dict[str, LineView] = {}
        """The queues at work, by target."""
        self.behind: dict[str, tuple[Straggler, ...]] = {}
        """Checkouts that stayed behind, by target."""
        self._candidates: deque[float] = deque(maxlen=CANDIDATES_REMEMBERED)

    @property
    def candidate_seconds(self) -> float:
        """The middle of the last candidates' verifications; 0 while too few have ended to tell."""
        known = len(self._candidates) >= CANDIDATES_THAT_TELL
        return median(self._candidates) if known else 0.0

    def of(self, plan: str, task: str) -> TaskActivity:
        return self._tasks.setdefault((plan, task), TaskActivity())

    def observe(self, event: Event) -> None:
        """Account the time a task stayed in the state it now leaves, or a candidate took."""
        if event.kind is EventKind.VERIFICATION_ENDED and event.data["purpose"] == CANDIDATE:
            self._candidates.append(float(event.data["seconds"]))
        left = event.data.get("from")
        purpose = SPENT_ON.get(TaskState(left)) if left else None
        purpose = event.data.get("spent_on", purpose)
        if purpose is not None:
            seconds = float(event.data.get("seconds", 0.0))
            waited = min(seconds, float(event.data.get("waited", 0.0)))
            spent = self.of(event.plan, event.task).spent
            spent[purpose] = spent.get(purpose, 0.0) + seconds - waited
            if waited:
                spent[PERSON] = spent.get(PERSON, 0.0) + waited

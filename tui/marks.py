"""One mark, one word and one ink for everything that has a state.

The board, the details and the help all take them from here, so that a mark means the same
wherever it stands. The engine stores few states; what a person wants to tell apart among the
pending and the verified is derived here from what the engine says about them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestrator.states import Outcome, TaskState, Verdict
from tui.ink import Ink

if TYPE_CHECKING:
    from orchestrator.api.models import CheckView, GateView, TaskView


class Mark(NamedTuple):
    """How a state is shown; ``sign`` is one cell wide."""

    sign: str
    word: str
    ink: Ink


PAUSED = Mark("‖", "paused", Ink.WAITING)
BLOCKED = Mark("·", "blocked", Ink.WAITING)
QUEUED = Mark("○", "queued", Ink.PLAIN)
HELD = Mark("!", "held", Ink.NEEDS_PERSON)
WITHDRAWN = Mark("∅", "set aside", Ink.WAITING)
REVERTING = Mark("«", "reverting", Ink.LANDING)
REVERTED = Mark("↶", "reverted", Ink.CANCELLED)
MERGE_READY = Mark("✓", "merge-ready", Ink.MERGE_READY)
TO_LAND = Mark("»", "to land", Ink.LANDING)

BY_STATE: dict[TaskState, Mark] = {
    TaskState.PENDING: Mark("·", "pending", Ink.WAITING),
    TaskState.RUNNING: Mark("●", "running", Ink.RUNNING),
    TaskState.VERIFYING: Mark("◐", "verifying", Ink.VERIFYING),
    TaskState.VERIFIED: Mark("✓", "verified", Ink.VERIFIED),
    TaskState.MERGING: Mark("»", "landing", Ink.LANDING),
    TaskState.MERGED: Mark("■", "merged", Ink.MERGED),
    TaskState.RETRY_QUEUED: Mark("↻", "retrying", Ink.RETRYING),
    TaskState.NEEDS_INPUT: Mark("?", "needs you", Ink.NEEDS_PERSON),
    TaskState.FAILED: Mark("✗", "failed", Ink.FAILED),
    TaskState.CANCELLED: Mark("-", "cancelled", Ink.CANCELLED),
}

LEGEND = (
    BY_STATE[TaskState.NEEDS_INPUT],
    BY_STATE[TaskState.FAILED],
    HELD,
    MERGE_READY,
    TO_LAND,
    BY_STATE[TaskState.MERGING],
    REVERTING,
    BY_STATE[TaskState.RUNNING],
    BY_STATE[TaskState.VERIFYING],
    BY_STATE[TaskState.RETRY_QUEUED],
    BY_STATE[TaskState.VERIFIED],
    QUEUED,
    BLOCKED,
    BY_STATE[TaskState.PENDING],
    PAUSED,
    WITHDRAWN,
    BY_STATE[TaskState.CANCELLED],
    REVERTED,
    BY_STATE[TaskState.MERGED],
)
"""Every mark a task can wear, what needs a person first."""

WORD_WIDTH = max(len(mark.word) for mark in LEGEND)


def task_mark(task: TaskView) -> Mark:
    """The mark of a task, telling apart what its stored state does not."""
    if task.state is TaskState.PENDING:
        return _pending_mark(task)
    if task.state is TaskState.VERIFIED:
        return _proven_mark(task)
    if task.state is TaskState.MERGED:
        return _landed_mark(task)
    return BY_STATE[task.state]


def _proven_mark(task: TaskView) -> Mark:
    if task.withdrawn or task.held:
        return WITHDRAWN if task.withdrawn else HELD
    if task.merge_requested:
        return TO_LAND
    return MERGE_READY if task.merge_ready else BY_STATE[task.state]


def _landed_mark(task: TaskView) -> Mark:
    if task.reverted_commit:
        return REVERTED
    if task.revert_requested:
        return HELD if task.held else REVERTING
    return BY_STATE[task.state]


def _pending_mark(task: TaskView) -> Mark:
    if task.paused:
        return PAUSED
    if task.blocked_by:
        return BLOCKED
    return QUEUED if task.ready else BY_STATE[task.state]


BY_VERDICT: dict[Verdict, Mark] = {
    Verdict.PASSED: Mark("✓", "passed", Ink.PASSED),
    Verdict.FAILED: Mark("✗", "failed", Ink.BROKEN),
    Verdict.ERRORED: Mark("!", "errored", Ink.UNSURE),
    Verdict.TIMED_OUT: Mark("◷", "timed out", Ink.BROKEN),
    Verdict.FLAKY: Mark("≈", "flaky", Ink.UNSURE),
}
CHECKING = Mark("●", "running", Ink.VERIFYING)
UNCHECKED = Mark("·", "not run", Ink.FAINT)
SKIPPED = Mark("-", "skipped", Ink.FAINT)
CACHED = Mark("=", "cached", Ink.CACHED)


BY_STANDING: dict[str, Mark] = {
    "waiting": Mark("·", "waiting", Ink.WAITING),
    "verifying": Mark("◐", "verifying", Ink.VERIFYING),
    "passed": Mark("✓", "passed", Ink.VERIFIED),
    "red": Mark("✗", "red", Ink.FAILED),
    "conflict": Mark("⚠", "conflict", Ink.RETRYING),
    "held": HELD,
}


def standing_mark(standing: str) -> Mark:
    """The mark of a task in the merge queue."""
    return BY_STANDING.get(standing, Mark("·", standing, Ink.WAITING))


def check_mark(check: CheckView) -> Mark:
    """The mark of one check; a cached pass wears another than a fresh one."""
    if check.running:
        return CHECKING
    if check.skipped:
        return SKIPPED
    if check.verdict is None:
        return UNCHECKED
    if check.cached and check.verdict is Verdict.PASSED:
        return CACHED
    return BY_VERDICT[check.verdict]


GATE_OPEN = Mark("✓", "open", Ink.PASSED)
GATE_AWAITED = Mark("·", "not open yet", Ink.WAITING)
GATE_REFUSED = Mark("✗", "refused", Ink.BROKEN)


def gate_mark(gate: GateView) -> Mark:
    """The mark of one gate of readiness; red only where something speaks against the task."""
    if gate.open:
        return GATE_OPEN
    return GATE_REFUSED if gate.refused else GATE_AWAITED


def outcome_mark(outcome: Outcome | None) -> Mark:
    """The mark of an attempt; None is one that goes on."""
    if outcome is None:
        return BY_STATE[TaskState.RUNNING]
    word = outcome.value.replace("_", " ")
    if outcome is Outcome.COMPLETED:
        return Mark("✓", word, Ink.PASSED)
    if outcome in {Outcome.ASKED, Outcome.RATE_LIMITED, Outcome.NO_CHANGE}:
        return Mark("?", word, Ink.UNSURE)
    if outcome in {Outcome.CANCELLED, Outcome.ABANDONED}:
        return Mark("-", word, Ink.CANCELLED)
    return Mark("✗", word, Ink.BROKEN)

"""Where a task is, how its sessions ended, and what may follow what.

Theory of operation. A task waits (``pending``), is worked on (``running``), is inspected
(``verifying``) and then stands proven on its own branch (``verified``). Landing is a state of
its own (``merging``): a candidate's id is on record before the target moves, so that a crash
in between is decided by git alone. Everything that sends work back to an agent goes through
``retry_queued``; everything only a person can mend goes through ``needs_input``.

*Where it is* and *how it ended* are two enums on purpose: retry and wording depend on the
ending, scheduling only on the place. Ready, blocked and merge-ready are not states: they are
derived (``scheduler``, ``readiness``) and never stored.

All moves stand in ``TRANSITIONS``, and in ``RESTORATIONS`` those that only git's word allows.
Nobody may move a task without ``check_transition``.
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.errors import IllegalTransition


class TaskState(StrEnum):
    """Where a task is."""

    PENDING = "pending"
    RUNNING = "running"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    MERGING = "merging"
    MERGED = "merged"
    RETRY_QUEUED = "retry_queued"
    NEEDS_INPUT = "needs_input"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How a session ended."""

    COMPLETED = "completed"
    NO_CHANGE = "no_change"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    OVER_BUDGET = "over_budget"
    RATE_LIMITED = "rate_limited"
    ASKED = "asked"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


class Verdict(StrEnum):
    """What a check, or a whole verification, came to."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    TIMED_OUT = "timed_out"
    FLAKY = "flaky"


class MergeMode(StrEnum):
    """Who triggers landing; with *pr* nothing lands here: it is handed over as a pull request."""

    MANUAL = "manual"
    AUTO = "auto"
    PR = "pr"


class Strategy(StrEnum):
    """How a task's commits come to stand on the target; in each the tree is the merge's."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class CheckedOut(StrEnum):
    """What becomes of landing where the target is checked out and that checkout may not follow.

    *Wait*: nothing lands. *Land*: it lands, and the checkout stays behind until a person brings it up.
    """

    WAIT = "wait"
    LAND = "land"


class QueueMode(StrEnum):
    """How much of what lands is verified by itself, and so how far the queue may run ahead.

    *Strict*: every commit that lands. *Tip*: every value the target takes; what lies between was
    verified only with what stands on it. *Auto*: strict while the queue is short. *Serial*: one
    candidate at a time.
    """

    AUTO = "auto"
    STRICT = "strict"
    TIP = "tip"
    SERIAL = "serial"


class Need(StrEnum):
    """What only a person can do for a task, and nothing goes on without.

    *Leave* is that for their own checkout of the target to follow it.
    """

    ANSWER = "answer"
    LEAVE = "leave"
    LOOK = "look"
    APPROVE = "approve"
    MEND = "mend"
    MERGE = "merge"


_S = TaskState

TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.NEEDS_INPUT, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.VERIFYING, _S.RETRY_QUEUED, _S.NEEDS_INPUT, _S.FAILED, _S.CANCELLED}),
    _S.VERIFYING: frozenset(
        {_S.VERIFIED, _S.RETRY_QUEUED, _S.NEEDS_INPUT, _S.FAILED, _S.CANCELLED}
    ),
    _S.VERIFIED: frozenset(
        {_S.MERGING, _S.VERIFYING, _S.RETRY_QUEUED, _S.NEEDS_INPUT, _S.CANCELLED}
    ),
    _S.MERGING: frozenset(
        {_S.MERGED, _S.VERIFIED, _S.RETRY_QUEUED, _S.NEEDS_INPUT, _S.FAILED, _S.CANCELLED}
    ),
    _S.MERGED: frozenset(),
    _S.RETRY_QUEUED: frozenset({_S.RUNNING, _S.NEEDS_INPUT, _S.FAILED, _S.CANCELLED}),
    _S.NEEDS_INPUT: frozenset({_S.MERGING, _S.RETRY_QUEUED, _S.VERIFYING, _S.FAILED, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.RETRY_QUEUED, _S.VERIFYING, _S.PENDING}),
    _S.CANCELLED: frozenset({_S.RETRY_QUEUED, _S.VERIFYING, _S.PENDING}),
}

RESTORATIONS: dict[TaskState, frozenset[TaskState]] = {
    state: frozenset({state, _S.MERGED, _S.VERIFYING, _S.RETRY_QUEUED}) for state in TaskState
} | {_S.MERGED: frozenset()}
"""Where git may prove a task to be of which less is stored: its state was lost, or fell behind."""

SETTLED = frozenset({_S.MERGED, _S.FAILED, _S.CANCELLED})
"""States in which nothing further happens by itself."""

ACTIVE = frozenset({_S.RUNNING, _S.VERIFYING, _S.MERGING})
"""States in which the engine has work in hand; after a crash each is decided again."""


def check_transition(
    old: TaskState, new: TaskState, *, subject: str, restored: bool = False
) -> None:
    """Raise IllegalTransition unless a task may go, or be restored, from ``old`` to ``new``.

    ``subject`` names the task in the message.
    """
    if new not in (RESTORATIONS if restored else TRANSITIONS)[old]:
        raise IllegalTransition(f"{subject} cannot go from {old} to {new}")

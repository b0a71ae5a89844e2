"""The facts the engine keeps about plans, tasks and attempts.

Frozen values: a changed fact is a new record (``dataclasses.replace``). ``store`` keeps them,
``scheduler`` decides from them, ``api`` shows them. Oids are full hexadecimal object ids, empty
where there is none yet; times are POSIX seconds, 0 where it has not happened yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.results import Usage
from orchestrator.states import Outcome, TaskState


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan as it was started.

    ``source`` is the plan file's text and ``folder`` the folder it was read from: criteria are
    always taken from here, never from a branch or from the file as it is now. ``merge``,
    ``sandbox`` and ``update_checkout`` are how the architect started it; ``rebuilt_at`` is set where
    the state was lost and the plan rebuilt from git; ``landing_paused`` is a person's word that
    nothing of it lands for now.
    """

    name: str
    source: str
    source_hash: str
    path: str
    folder: str
    target: str
    merge: str
    sandbox: str
    update_checkout: bool = False
    paused: bool = False
    started_at: float = 0.0
    settled_at: float = 0.0
    position: int = 0
    rebuilt_at: float = 0.0
    landing_paused: bool = False


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """Where one task stands.

    ``base`` is the target commit the branch was last started from or brought up to, ``head`` the
    last imported commit of the branch, ``verified_head`` the head that passed (a verdict is
    worth nothing for any other), ``approved_head`` the one a person approved.

    ``sessions`` counts every session, ``attempts_used`` those that ran to an end of their own.
    ``attempts_extra`` are allowed beyond the budget: one for each time landing sent the work
    back (``sent_back``), and a fresh budget when the architect retries; ``granted_tokens`` and
    ``granted_cost`` are what had been used by then. ``feedback`` is what the next session will
    be told, ``note`` the architect's own words for it, ``sync_target`` that the target is merged
    into the worktree first.

    ``tests_head`` is the commit whose tests were seen red, at ``tests_red_at``, and are locked since;
    ``tests_approved`` that commit once a person approved the tests.

    ``settled_by`` names the dependency that settled this task. ``merge_requested`` is the order
    to land, given at ``ordered_at``, and ``held`` why landing waits; ``intent`` is the candidate on
    record while merging and ``intent_base`` the commit it was built on, ``merged_commit`` what landed.

    ``queued_at`` is since when it is in line to land, kept while landing sends it back and forth;
    ``rank`` is what a person added to the plan's priority, ``withdrawn`` that a person took it out
    of the queue. ``revert_requested`` is the order to take it back, ``revert_intent`` the candidate
    on record for that, ``reverted_commit`` what took it back. ``stacked_on`` are the dependencies it
    was started from before they landed, as ``task@head`` with spaces between; ``pull_request`` is
    where it was handed over.
    """

    plan: str
    id: str
    state: TaskState = TaskState.PENDING
    reason: str = ""
    position: int = 0
    branch: str = ""
    base: str = ""
    head: str = ""
    verified_head: str = ""
    verified_at: float = 0.0
    sessions: int = 0
    attempts_used: int = 0
    attempts_extra: int = 0
    sent_back: int = 0
    verify_errors: int = 0
    granted_tokens: int = 0
    granted_cost: float = 0.0
    session_id: str = ""
    retry_at: float = 0.0
    feedback: str = ""
    note: str = ""
    sync_target: bool = False
    paused: bool = False
    approved_head: str = ""
    tests_head: str = ""
    tests_red_at: float = 0.0
    tests_approved: str = ""
    settled_by: str = ""
    merge_requested: bool = False
    held: str = ""
    intent: str = ""
    intent_base: str = ""
    merged_commit: str = ""
    queued_at: float = 0.0
    ordered_at: float = 0.0
    rank: int = 0
    withdrawn: bool = False
    revert_requested: bool = False
    revert_intent: str = ""
    reverted_commit: str = ""
    stacked_on: str = ""
    pull_request: str = ""
    usage: Usage = field(default_factory=Usage)
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One session at a task; ``number`` counts from 1, ``counted`` whether the budget is charged.

    ``sandbox`` names what it ran in, so that an unsandboxed attempt stays marked for ever.
    """

    plan: str
    task: str
    number: int
    agent: str
    sandbox: str
    counted: bool = True
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    session_id: str = ""
    head: str = ""
    usage: Usage = field(default_factory=Usage)
    log: str = ""
    prompt: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    setup_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class VerificationRecord:
    """One verification on record: of a ``baseline``, a ``branch``, a ``candidate``, or ``asked`` for.

    Or of tests that are to be seen ``red``, or of work ``restored`` to hold nothing that it may not.
    ``verification`` is the serialised result, ``digest`` what the agent is told of it.
    """

    plan: str
    task: str
    attempt: int
    purpose: str
    commit: str
    tree: str
    verdict: str
    digest: str
    results: str
    started_at: float
    ended_at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class VerificationSpan:
    """When a verification began and ended, of what and what for, as in ``VerificationRecord``."""

    task: str
    attempt: int
    purpose: str
    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class CheckRunRecord:
    """One run of a check that came to an end, for what history tells of the next.

    ``purpose`` as in ``VerificationRecord`` (``asked`` when a session asked for it), ``command`` is
    a hash of the check's command; ``seconds`` are of all its ``runs`` together, 0 of a cached one;
    ``flaky`` are the tests that failed and then passed on this tree, separated by newlines;
    ``overloaded`` that the machine was.
    """

    plan: str
    task: str
    purpose: str
    check_name: str
    command: str
    tree: str
    verdict: str
    seconds: float
    cached: bool
    runs: int
    flaky: str
    overloaded: bool
    at: float
    id: int = 0

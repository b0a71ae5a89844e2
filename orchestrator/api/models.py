"""What travels between the engine and its clients.

Plain frozen views, made for showing: everything derived (ready, blocked, merge-ready, gates) is
computed by the engine and only read here. Times are POSIX seconds (0: has not happened),
durations seconds, costs US dollars, oids full hexadecimal. Text that came from agents, plans or
git is passed on as it is; making it safe for a terminal is the client's duty.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.states import MergeMode, Need, Outcome, QueueMode, TaskState, Verdict


class View(BaseModel):
    """Base of all that travels."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class UsageView(View):
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class GateView(View):
    """One condition of merge readiness; ``reason`` is a sentence, open or closed.

    ``asked`` is False where the plan does not ask for it: then it is open and proves nothing.
    ``refused`` says of a closed one that something speaks against it; else it is waited for.
    """

    name: str
    open: bool
    reason: str
    asked: bool = True
    refused: bool = False


class CheckView(View):
    """One check on the task's newest tree; ``verdict`` is None while it has not ended.

    ``ok`` is whether it stands in nobody's way: it passed, or is flaky where the plan allows that.
    ``written`` are files of the tree that changed while it ran.
    """

    name: str
    kind: str
    command: str
    ok: bool = False
    runs: int = 1
    flaky_tests: tuple[str, ...] = ()
    overloaded: bool = False
    written: tuple[str, ...] = ()
    verdict: Verdict | None = None
    passed: int = 0
    failed: int = 0
    skipped_tests: int = 0
    seconds: float = 0.0
    cached: bool = False
    skipped: bool = False
    running: bool = False
    reason: str = ""
    log: str = ""


class DiffStatView(View):
    files: int = 0
    insertions: int = 0
    deletions: int = 0


class TaskView(View):
    """One row of the board.

    ``need`` is what a person is needed for, None where work goes on without. ``tokens_allowed``
    and ``cost_allowed_usd`` are the budget, None where there is none.
    """

    plan: str
    id: str
    title: str
    state: TaskState
    reason: str = ""
    blocked_by: tuple[str, ...] = ()
    stands_on: tuple[str, ...] = ()
    ready: bool = False
    merge_ready: bool = False
    merge_requested: bool = False
    held: str = ""
    agent: str = ""
    sandbox: str = ""
    attempt: int = 0
    attempts_used: int = 0
    attempts_allowed: int = 0
    activity: str = ""
    state_since: float = 0.0
    session_started_at: float = 0.0
    generating_seconds: float = 0.0
    verifying_seconds: float = 0.0
    queueing_seconds: float = 0.0
    waiting_seconds: float = 0.0
    usage: UsageView = Field(default_factory=UsageView)
    tokens_allowed: int | None = None
    cost_allowed_usd: float | None = None
    need: Need | None = None
    checks: tuple[CheckView, ...] = ()
    diff: DiffStatView | None = None
    gates: tuple[GateView, ...] = ()
    after: tuple[str, ...] = ()
    priority: int = 0
    rank: int = 0
    withdrawn: bool = False
    approve: bool = False
    approved: bool = False
    asks: bool = False
    paused: bool = False
    branch: str = ""
    worktree: str = ""
    base: str = ""
    head: str = ""
    merged_commit: str = ""
    pull_request: str = ""
    revert_requested: bool = False
    reverted_commit: str = ""


class AttemptView(View):
    number: int
    agent: str
    sandbox: str
    counted: bool
    outcome: Outcome | None
    reason: str
    message: str
    exit_code: int | None
    usage: UsageView
    started_at: float
    ended_at: float
    setup_seconds: float
    log: str
    prompt: str


class VerificationView(View):
    id: int = 0
    purpose: str
    attempt: int
    commit: str
    tree: str
    verdict: Verdict
    digest: str
    checks: tuple[CheckView, ...]
    started_at: float
    ended_at: float


class NoteView(View):
    """What a session, or the engine about one, wanted to be known."""

    attempt: int
    at: float
    text: str


class TaskDetail(View):
    """Everything about one task; ``note`` is the architect's, ``notes`` are the sessions'.

    ``warnings`` are the engine's, each told once: what a sandbox refused, a ref that moved.
    """

    task: TaskView
    brief: str
    touches: tuple[str, ...]
    done_when: tuple[str, ...]
    note: str
    attempts: tuple[AttemptView, ...]
    verifications: tuple[VerificationView, ...]
    notes: tuple[NoteView, ...] = ()
    warnings: tuple[NoteView, ...] = ()


class BehindView(View):
    """A checkout that stayed behind the target: a sentence, and what is run there."""

    path: str
    command: str
    reason: str


class PlanView(View):
    """A plan and how far it is; ``counts`` maps a task state to a number of tasks."""

    name: str
    path: str
    target: str
    target_commit: str = ""
    merge: MergeMode
    sandbox: str
    parallel: int
    update_checkout: bool
    paused: bool
    landing_paused: bool = False
    settled: bool
    person_needed: bool
    started_at: float
    settled_at: float
    counts: dict[TaskState, int] = Field(default_factory=dict)
    baseline: tuple[CheckView, ...] = ()
    warnings: tuple[str, ...] = ()
    behind: tuple[BehindView, ...] = ()
    tasks: tuple[TaskView, ...] = ()


class EngineView(View):
    running: bool
    pid: int = 0
    version: str = ""
    started_at: float = 0.0
    repository: str = ""
    sandbox: str = ""


class QueueEntryView(View):
    """One task in line to land, or to be taken back (``reverts``).

    ``standing`` is ``waiting``, ``verifying``, ``passed``, ``red``, ``conflict`` or ``held``;
    ``reason`` tells in a sentence what it waits for, ``since`` since when it stands so. ``on`` are
    the tasks in front that its candidate holds, in order.
    """

    plan: str
    task: str
    title: str
    position: int
    standing: str
    reason: str = ""
    since: float = 0.0
    candidate: str = ""
    on: tuple[str, ...] = ()
    reverts: bool = False


class QueueView(View):
    """What is in line for one target; ``held`` is why all of it waits, empty when it does not.

    ``mode`` is how it works now, ``failure_rate`` the share of candidates it expects to be red.
    """

    target: str
    commit: str
    mode: QueueMode
    slots: int
    failure_rate: float
    held: str = ""
    entries: tuple[QueueEntryView, ...] = ()


class QueuesView(View):
    """The queues alone."""

    queues: tuple[QueueView, ...] = ()


class StatusView(View):
    """All there is to see; ``candidate_seconds`` is what one takes of late, 0 while too few have ended."""

    engine: EngineView
    plans: tuple[PlanView, ...] = ()
    queues: tuple[QueueView, ...] = ()
    candidate_seconds: float = 0.0
    last_seq: int = 0


class EventView(View):
    """One fact, as ``orchestrator.events.Event``."""

    seq: int
    at: float
    kind: str
    plan: str = ""
    task: str = ""
    attempt: int = 0
    message: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


class LogChunk(View):
    """A piece of a session's transcript; ask again with ``next`` for what follows."""

    text: str
    next: int
    attempt: int
    ended: bool


class DiffView(View):
    """What a branch changed.

    ``paths`` and ``commits`` (their first lines, the newest first) are the first of many, where
    there are many.
    """

    stat: DiffStatView
    text: str
    truncated: bool
    paths: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()


class BriefView(View):
    """Exactly what the task's agent gets, or got for ``attempt``."""

    attempt: int
    resumed: bool
    tokens: int
    text: str


class SubmitPlan(View):
    """A request to take in a plan; ``source`` is the file's text, ``folder`` where it lies.

    ``no_cache`` and ``audit_inputs`` hold until the plan is handed in again, or the engine ends.
    """

    source: str
    path: str
    folder: str
    merge: MergeMode | None = None
    sandbox: str | None = None
    update_checkout: bool = False
    accept_changes: bool = False
    no_cache: bool = False
    audit_inputs: bool = False


class TaskSelection(View):
    """Which tasks to land; ``all`` means every merge-ready one.

    ``update_checkout`` is leave to fast-forward a clean checkout of the target.
    """

    tasks: tuple[str, ...] = ()
    all: bool = False
    update_checkout: bool = False


class Refusal(View):
    task: str
    reason: str


class ActionView(View):
    """What a request did: the tasks it applied to, and those it did not with the reason."""

    done: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


class Problem(View):
    """Body of every error answer."""

    error: str
    exit_code: int
    problems: tuple[str, ...] = ()

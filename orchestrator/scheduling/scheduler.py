"""Decide, tick, loop: three things, kept apart.

*Decide* is a pure function (``decision``). *Tick* applies what it decided, once, by starting
jobs; a job works and reports, and its report moves the task. *Loop* waits until something
changed, or a clock is due, and ticks. Wake-ups carry no meaning: a lost one costs at most
``NET_SECONDS``.

What a job does is not known here: the ``Works`` are handed in.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

from orchestrator.errors import ClerkError, GroundLost, StateLost, StoreDamaged
from orchestrator.scheduling.actions import (
    Action,
    BringUp,
    Decision,
    Settle,
    StartBackfill,
    StartBaseline,
    StartHandover,
    StartLanding,
    StartSession,
    StartVerification,
)
from orchestrator.scheduling.decision import Snapshot, TaskKey, decide

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from orchestrator.ledger import Ledger

NET_SECONDS = 5.0
"""How long a wake-up that was lost can go unnoticed."""

AGAIN_SECONDS = 1.0
"""How soon to decide again when the machine failed a tick."""

BASELINE = ""
"""Stands for the task in the key of a plan's baseline job."""

QUEUE = ""
"""Stands for the plan in the key of a target's queue."""

log = logging.getLogger(__name__)

_VERIFYING = (StartVerification, StartBackfill)
"""What takes a verify slot of the scheduler's."""

Job = Callable[[], Awaitable[None]]

_HOPELESS = (GroundLost, StateLost, StoreDamaged)
"""What waiting does not mend: the engine ends."""


class Works(Protocol):
    """What jobs do. Each reports through the ledger before it returns."""

    def snapshot(
        self,
        *,
        busy: frozenset[TaskKey] = frozenset(),
        baselining: frozenset[str] = frozenset(),
        landing: frozenset[str] = frozenset(),
        free: int = 0,
    ) -> Snapshot:
        """All facts to decide from."""

    async def verify_baseline(self, plan: str) -> None: ...
    async def run_session(self, plan: str, task: str) -> None: ...
    async def verify_branch(self, plan: str, task: str) -> None: ...
    async def backfill(self, plan: str, task: str) -> None: ...
    async def bring_up(self, plan: str, task: str) -> None: ...
    async def hand_over(self, plan: str, task: str) -> None:
        """Hand a proven task over, or look what became of its pull request."""

    async def land(self, target: str) -> None:
        """Work off what is in line for a target, until nothing is."""

    async def out_of_landing(self, plan: str, task: str) -> None:
        """Return once no landing is at a point at which its tasks must not be moved."""

    def stir(self) -> None:
        """Something may have changed: let the queues look."""

    def begin(self, action: Action) -> None:
        """Move the task into the state in which its job works, before the job starts."""

    def settle(self, action: Settle) -> None: ...
    def broke_down(self, plan: str, task: str, reason: str) -> None:
        """A job ended by an error: nobody is to blame, a person must look."""

    def quiet(self, plans: frozenset[str]) -> None:
        """Nothing moves any more in these plans."""


@dataclass(slots=True)
class _Running:
    kind: type[Action]
    scope: anyio.CancelScope
    done: anyio.Event


class Scheduler:
    """Runs the jobs of one engine; ``verify_slots`` verifications at once."""

    def __init__(self, ledger: Ledger, works: Works, *, verify_slots: int) -> None:
        self._ledger = ledger
        self._works = works
        self._verify_slots = verify_slots
        self._running: dict[TaskKey, _Running] = {}
        self._unheard: dict[TaskKey, str] = {}
        self._news = anyio.Event()
        self._jobs: TaskGroup | None = None

    def wake(self) -> None:
        """Something changed: decide again soon."""
        self._news.set()

    async def loop(self) -> None:
        """Tick on every change, until cancelled; then every job is stopped first."""
        async with anyio.create_task_group() as jobs:
            self._jobs = jobs
            while True:
                news = self._news = anyio.Event()
                await self._wait(news, self._contained_tick())

    def tick(self) -> Decision:
        """Apply once what the present facts call for."""
        for key, reason in tuple(self._unheard.items()):
            self._break_down(key, reason)
        decision = decide(self._snapshot())
        for action in decision.actions:
            self._apply(action)
        if decision.quiet_plans:
            self._works.quiet(decision.quiet_plans)
        self._works.stir()
        return decision

    def _contained_tick(self) -> Decision:
        """A tick that the machine failed is over; the next one decides again from the facts."""
        try:
            return self.tick()
        except _HOPELESS:
            raise
        except (ClerkError, OSError) as error:
            log.warning("deciding again in a moment: %s", error)
            return Decision(wake_at=self._ledger.clock() + AGAIN_SECONDS)

    async def stop_job(self, plan: str, task: str) -> None:
        """Stop whatever is in hand for a task, and wait until it has stopped."""
        running = self._running.get((plan, task))
        if running is not None:
            running.scope.cancel()
            await running.done.wait()
        await self._works.out_of_landing(plan, task)

    def has_job(self, plan: str, task: str) -> bool:
        return (plan, task) in self._running

    async def _wait(self, news: anyio.Event, decision: Decision) -> None:
        patience = NET_SECONDS
        if decision.wake_at is not None:
            patience = min(patience, max(0.0, decision.wake_at - self._ledger.clock()))
        with anyio.move_on_after(patience):
            await news.wait()

    def _snapshot(self) -> Snapshot:
        kinds = [running.kind for running in self._running.values()]
        in_hand = self._running.keys() | self._unheard.keys()
        return self._works.snapshot(
            busy=frozenset(key for key in in_hand if key[1] != BASELINE and key[0] != QUEUE),
            baselining=frozenset(plan for plan, task in in_hand if task == BASELINE),
            landing=frozenset(target for plan, target in in_hand if plan == QUEUE),
            free=self._verify_slots - sum(kind in _VERIFYING for kind in kinds),
        )

    def _apply(self, action: Action) -> None:
        match action:
            case Settle(plan, task) if (plan, task) in self._running:
                self._running[plan, task].scope.cancel()  # settled once it has stopped
            case Settle():
                self._works.settle(action)
                self.wake()
            case BringUp(plan, task):
                self._start(action, (plan, task), lambda: self._works.bring_up(plan, task))
            case StartBaseline(plan):
                self._start(action, (plan, BASELINE), lambda: self._works.verify_baseline(plan))
            case StartSession(plan, task):
                self._start(action, (plan, task), lambda: self._works.run_session(plan, task))
            case StartVerification(plan, task):
                self._start(action, (plan, task), lambda: self._works.verify_branch(plan, task))
            case StartBackfill(plan, task):
                self._start(action, (plan, task), lambda: self._works.backfill(plan, task))
            case StartHandover(plan, task):
                self._start(action, (plan, task), lambda: self._works.hand_over(plan, task))
            case StartLanding(target):
                self._start(action, (QUEUE, target), lambda: self._works.land(target))

    def _start(self, action: Action, key: TaskKey, job: Job) -> None:
        if self._jobs is None:
            raise RuntimeError("the scheduler's loop does not run")
        try:
            self._works.begin(action)
        except (ClerkError, OSError) as error:
            self._failed(key, error)
            return
        running = _Running(type(action), anyio.CancelScope(), anyio.Event())
        self._running[key] = running
        self._jobs.start_soon(self._run, key, running, job)

    async def _run(self, key: TaskKey, running: _Running, job: Job) -> None:
        try:
            with running.scope:
                await self._contained(key, job)
        finally:
            self._running.pop(key, None)
            running.done.set()
            self.wake()

    async def _contained(self, key: TaskKey, job: Job) -> None:
        """Run a job so that its failure is its task's affair and nobody else's."""
        try:
            await job()
        except Exception as raised:  # a bug in one job must not stop the others
            error = _innermost(raised)
            if isinstance(error, (ClerkError, OSError)):
                self._failed(key, error)
                return
            log.exception("job %s/%s broke", *key)
            self._break_down(key, f"a bug in the engine: {type(error).__name__}: {error}")

    def _failed(self, key: TaskKey, error: ClerkError | OSError) -> None:
        if isinstance(error, _HOPELESS):
            raise error
        log.warning("job %s/%s: %s", *key, error)
        self._break_down(key, str(error))

    def _break_down(self, key: TaskKey, reason: str) -> None:
        """Put a failure on record; one that cannot be is kept in mind for the next tick."""
        try:
            self._works.broke_down(*key, reason)
        except _HOPELESS:
            raise
        except (ClerkError, OSError) as error:
            log.warning("not on record yet (%s): %s/%s: %s", error, *key, reason)
            self._unheard[key] = reason
        else:
            self._unheard.pop(key, None)


def _innermost(error: Exception) -> Exception:
    """What a job's helper failed of: a task group wraps it, though it is alone."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error

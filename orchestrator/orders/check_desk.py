"""Checks that are asked for while work goes on: one at a time for each who asks.

A verification may take longer than whoever asked can wait, so it is a run of its own that any
request for the same tree and checks joins. It is given up when nobody waits for it any more, when
a newer state of the work is asked about, and when the session ends in whose name it runs; one that
was waited for in patience goes on, and the next request finds it further.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

import anyio

from orchestrator.api.check_views import CheckAnswer, CheckLine
from orchestrator.api.models import Problem
from orchestrator.api.views import check_view
from orchestrator.errors import CannotRun, ClerkError, GroundLost, StateLost, StoreDamaged
from orchestrator.keyed_lock import KeyedLock
from orchestrator.results import Verification, combined_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from orchestrator.api.check_views import StandingView
    from orchestrator.api.lines import Tell
    from orchestrator.borders.snapshots import Snapshot
    from orchestrator.jobs.asked_check import Ask, AskedChecks, Finding
    from orchestrator.results import CheckResult
    from orchestrator.sessions.doorkeeper import Guest

SIGN_OF_LIFE_SECONDS = 15.0
_HOPELESS = (GroundLost, StateLost, StoreDamaged)
"""What ends the engine, as in ``scheduler``."""

log = logging.getLogger(__name__)


class CheckRun:
    """One verification on its way, and what it has told so far."""

    def __init__(self, ask: Ask, snapshot: Snapshot, order: tuple[str, ...]) -> None:
        self.ask = ask
        self.snapshot = snapshot
        self.results: dict[str, CheckResult] = {}
        self.finding: Finding | None = None
        self.problem: Problem | None = None
        self.ended = anyio.Event()
        self.scope = anyio.CancelScope()
        self.began = anyio.current_time()
        self.listeners = 0
        """Who waits for it; one for each time it was opened and not followed to an end."""
        self._why = "nobody waited for it any more"
        self._order = order
        self._news = anyio.Event()

    @property
    def waiting_for(self) -> tuple[str, ...]:
        return tuple(name for name in self._order if name not in self.results)

    @property
    def seconds(self) -> float:
        return round(anyio.current_time() - self.began, 3)

    def serves(self, ask: Ask, snapshot: Snapshot) -> bool:
        """Whether another request means this very run."""
        return not self.ended.is_set() and (ask, snapshot.tree) == (self.ask, self.snapshot.tree)

    def tell(self, result: CheckResult) -> None:
        self.results[result.check] = result
        self._wake()

    def end(self) -> None:
        if self.finding is None and self.problem is None:
            self.problem = _problem(CannotRun(f"the check was given up: {self._why}"))
        self.ended.set()
        self._wake()

    def give_up(self, why: str) -> None:
        self._why = why
        self.scope.cancel()

    async def news(self, patience_seconds: float) -> bool:
        """Wait for a result or the end; False when neither came."""
        news = self._news
        with anyio.move_on_after(patience_seconds):
            await news.wait()
        return news.is_set()

    def _wake(self) -> None:
        self._news, news = anyio.Event(), self._news
        news.set()


class CheckDesk:
    """Where checks are asked for. Use as an asynchronous context manager."""

    def __init__(self, checks: AskedChecks) -> None:
        self._checks = checks
        self._runs: dict[object, CheckRun] = {}
        self._one_by_one = KeyedLock()
        self._group = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(kind, error, trace)

    async def open(self, ask: Ask, guest: Guest | None = None) -> CheckRun:
        """The run that answers ``ask``, on the work as it stands now; to be followed.

        Raises SnapshotRefused, UsageError, GitError.
        """
        who = (ask.plan, ask.task, guest.attempt if guest else str(ask.folder))
        async with self._one_by_one.hold(f"{ask.plan}/{ask.task}"):
            snapshot = await self._checks.snapshot(ask)
            if guest is not None and not guest.is_here:
                raise CannotRun("this session has ended")
            run = self._runs.get(who)
            if run is None or not run.serves(ask, snapshot):
                run = await self._begin(who, ask, snapshot, guest)
            run.listeners += 1
            return run

    async def _begin(
        self, who: object, ask: Ask, snapshot: Snapshot, guest: Guest | None
    ) -> CheckRun:
        if stale := self._runs.get(who):
            stale.give_up("another was asked for")
            await stale.ended.wait()
        run = self._runs[who] = CheckRun(ask, snapshot, self._checks.order(ask))
        self._group.start_soon(self._run, who, run, guest)
        return run

    async def _run(self, who: object, run: CheckRun, guest: Guest | None) -> None:
        def leave() -> None:
            run.give_up("the session has ended")

        if guest is not None:
            guest.leaving.append(leave)
        try:
            with run.scope:
                await self._contained(run, guest)
        finally:
            if guest is not None:
                guest.leaving.remove(leave)
            del self._runs[who]
            run.end()
            with anyio.CancelScope(shield=True):
                await self._let_go(run.ask)

    async def _contained(self, run: CheckRun, guest: Guest | None) -> None:
        """Verify, so that what fails is told to who asked, and stops nobody else."""
        try:
            if guest is None:
                run.finding = await self._checks.verify(run.ask, run.snapshot, run.tell)
            else:
                with guest.pulse.held():
                    run.finding = await self._checks.verify(run.ask, run.snapshot, run.tell)
        except _HOPELESS:
            raise
        except (ClerkError, OSError) as error:
            run.problem = _problem(error)
        except Exception as error:  # a bug in one check must not stop the engine
            log.exception("a check of %s/%s broke", run.ask.plan, run.ask.task)
            run.problem = _problem(ClerkError(f"a bug in the engine: {error}"))

    async def _let_go(self, ask: Ask) -> None:
        """Drop what kept the snapshot alive, unless another request is at one of this task."""
        async with self._one_by_one.hold(f"{ask.plan}/{ask.task}"):
            others = any(
                (run.ask.plan, run.ask.task) == (ask.plan, ask.task) for run in self._runs.values()
            )
            if not others:
                try:
                    await self._checks.let_go(ask)
                except ClerkError as error:
                    log.warning("a snapshot of %s/%s is kept: %s", ask.plan, ask.task, error)

    async def follow(
        self,
        run: CheckRun,
        tell: Tell,
        *,
        patience_seconds: float | None,
        standing: Callable[[], StandingView | None],
    ) -> None:
        """Tell a run from its beginning to its end, or for as long as there is patience."""
        deadline = anyio.current_time() + (patience_seconds or float("inf"))
        told = 0
        in_patience = False
        try:
            while True:
                results = tuple(run.results.values())
                for result in results[told:]:
                    await tell(CheckLine(kind="check", check=check_view(result)))
                told = len(results)
                if run.ended.is_set() and told == len(run.results):
                    await tell(self._last_line(run, standing()))
                    return
                left = deadline - anyio.current_time()
                in_patience = left <= 0
                if in_patience:
                    await tell(CheckLine(kind="answer", answer=self._so_far(run, standing())))
                    return
                if (
                    not await run.news(min(left, SIGN_OF_LIFE_SECONDS))
                    and left > SIGN_OF_LIFE_SECONDS
                ):
                    await tell(_sign_of_life(run))
        finally:
            run.listeners -= 1
            if not run.listeners and not in_patience:
                run.give_up("nobody waited for it any more")

    def _last_line(self, run: CheckRun, standing: StandingView | None) -> CheckLine:
        if run.finding is None:
            return CheckLine(kind="problem", problem=run.problem)
        found = run.finding
        verification = found.verification
        answer = CheckAnswer(
            plan=run.ask.plan,
            task=run.ask.task,
            commit=run.snapshot.commit,
            tree=run.snapshot.tree,
            done=True,
            passed=verification.passed,
            verdict=combined_verdict(verification.results),
            digest=found.digest,
            checks=tuple(check_view(result) for result in verification.results),
            warnings=found.warnings,
            seconds=verification.seconds,
            standing=standing,
        )
        return CheckLine(kind="answer", answer=answer)

    def _so_far(self, run: CheckRun, standing: StandingView | None) -> CheckAnswer:
        results = tuple(run.results.values())
        snapshot = run.snapshot
        verification = Verification(snapshot.commit, snapshot.tree, results, run.seconds)
        return CheckAnswer(
            plan=run.ask.plan,
            task=run.ask.task,
            commit=snapshot.commit,
            tree=snapshot.tree,
            done=False,
            passed=False,
            verdict=None,
            digest=self._checks.digest(run.ask, verification) if results else "",
            checks=tuple(check_view(result) for result in results),
            waiting_for=run.waiting_for,
            warnings=snapshot.notes,
            seconds=run.seconds,
            standing=standing,
        )


def _sign_of_life(run: CheckRun) -> CheckLine:
    return CheckLine(kind="waiting", waiting_for=run.waiting_for, seconds=run.seconds)


def _problem(error: ClerkError | OSError) -> Problem:
    code = error.exit_code if isinstance(error, ClerkError) else CannotRun.exit_code
    return Problem(error=str(error).encode("utf-8", "replace").decode(), exit_code=int(code))

"""The checks of one verification, on their way to results.

A check starts as soon as everything it needs has passed and it is its turn (``slots``). A failure
leaves out what needs the failed check, and all the others where that was asked for. What must be run
again is left for a further round, on a checkout as fresh as the first: a run never finds what an
earlier one left. Whatever is settled is offered to the cache here, and nowhere else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import ClerkError
from orchestrator.plan.graph import check_closure
from orchestrator.states import Verdict
from orchestrator.tests_first.rules import keep_wanted
from orchestrator.verification.check_graph import Course, not_started, urgencies
from orchestrator.verification.check_history import History
from orchestrator.verification.check_run import errored
from orchestrator.verification.check_trials import (
    judged_by_load,
    taken_together,
    wants_calm,
    wants_rerun,
)
from orchestrator.verification.slots import Claim
from orchestrator.verification.strain import overload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.plan.model import Plan
    from orchestrator.results import CheckResult
    from orchestrator.sandboxes import Sandbox
    from orchestrator.tests_first.rules import Wanted
    from orchestrator.verification.cache import VerdictCache
    from orchestrator.verification.services import Services
    from orchestrator.verification.slots import Slots
    from orchestrator.verification.strain import Machine
    from orchestrator.verification.write_watch import WriteWatch


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What to verify: ``checks`` of ``plan``, and all they need, on ``commit``, whose tree is ``tree``.

    ``sandbox`` is what its commands run in, ``logs`` a folder for this verification alone. ``main_checkout`` is where setup takes files
    from, None in a bare repository. Without ``use_cache`` everything runs again; results are kept
    all the same, but for ``keeps``. With ``trust_failures`` a known failure spares a run as a known
    pass does. With ``audit_inputs`` what passed must do so without what lies outside its inputs. With
    ``fail_fast`` the first check that fails ends the others. ``history`` is asked for what earlier runs
    tell, if anything must run. ``wanted_tests`` are those of a check that must be told to have passed.
    ``on_begin`` is told each run of a check and its log, ``on_result`` each result as it comes.
    """

    plan: Plan
    checks: tuple[str, ...]
    commit: str
    tree: str
    sandbox: Sandbox
    logs: Path
    main_checkout: Path | None
    use_cache: bool = True
    trust_failures: bool = False
    audit_inputs: bool = False
    keeps: bool = True
    fail_fast: bool = False
    history: Callable[[], History] = History
    wanted_tests: Mapping[str, Wanted] = field(default_factory=dict)
    on_begin: Callable[[str, Path], None] | None = None
    on_result: Callable[[CheckResult], None] | None = None


class VerificationRun:
    """One verification; ``results`` by check, complete once nothing is due or all was given up."""

    def __init__(
        self,
        request: VerificationRequest,
        course: Course,
        keys: Mapping[str, str],
        *,
        cache: VerdictCache,
        slots: Slots,
        machine: Machine,
    ) -> None:
        self.results: dict[str, CheckResult] = {}
        self.rounds = 0
        self._request = request
        self._checks = request.plan.checks
        self._course = course
        self._keys = keys
        self._cache = cache
        self._slots = slots
        self._machine = machine
        self._turn = slots.turn()
        self._history = request.history() if course.to_run else History()
        self._urgency = urgencies(self._checks, course.to_run, self._history)
        self._runs: dict[str, list[CheckResult]] = {name: [] for name in course.to_run}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._ended_by = ""
        self._watch: WriteWatch | None = None

    def tell_known(self) -> None:
        """Tell what need not run, and what cannot."""
        for result in self._course.reused.values():
            self._settle(result)
        for name, need in self._course.left_out.items():
            self._leave_out(name, not_started(self.results[need]))

    def due(self) -> tuple[str, ...]:
        """What the next checkout is for, the most urgent first; nothing when all is settled.

        With what a check needs, since it works on what that left in the checkout.
        """
        if self._ended_by:
            self.give_up(f"not started: {self._ended_by!r} did not pass", skipped=True)
        names = check_closure(self._checks, self._open())
        return tuple(sorted(names, key=lambda name: -self._urgency[name]))

    async def everything(self, services: Services, watch: WriteWatch) -> None:
        """Run all that is due on one checkout, each as soon as what it needs has passed there.

        Raises ClerkError or OSError when the machine fails; what runs is stopped then.
        """
        self.rounds += 1
        here = _Round(services, watch, {name: anyio.Event() for name in self.due()})
        self._watch = watch
        await watch.begin()
        try:
            async with anyio.create_task_group() as running:
                for name in here.ended:
                    running.start_soon(self._one, name, here)
        except ExceptionGroup as several:
            expected, others = several.split((ClerkError, OSError))
            if expected is None or others is not None:
                raise
            raise expected.exceptions[0] from several

    def give_up(self, reason: str, *, skipped: bool = False) -> None:
        """Nothing more can run, and this is why; what failed already has failed."""
        for name in self._open():
            self._conclude(name, reason, skipped=skipped)

    def _open(self) -> list[str]:
        return [name for name in self._course.to_run if name not in self.results]

    async def _one(self, name: str, here: _Round) -> None:
        try:
            for need in self._checks[name].needs:
                await here.ended[need].wait()
            with anyio.CancelScope() as scope:
                self._scopes[name] = scope
                await self._tried(name, here)
            if scope.cancelled_caught:
                self._conclude(name, f"stopped: {self._ended_by!r} did not pass", skipped=True)
        finally:
            here.ended[name].set()

    async def _tried(self, name: str, here: _Round) -> None:
        """One run of a check, unless something it needs is in no state for it."""
        if self._is_barred(name, here):
            return
        result = await self._ran(name, here)
        runs = self._runs[name]
        if name in self.results:  # it only made the ground ready for another one
            here.ran[name] = result
            return
        runs.append(result)
        if wants_calm(runs) or wants_rerun(self._checks[name], runs):
            return
        here.ran[name] = taken_together(self._checks[name], runs, self._history.of(name))
        self._settle(here.ran[name])

    async def _ran(self, name: str, here: _Round) -> CheckResult:
        runs = self._runs[name]
        alone = bool(runs) and wants_calm(runs)
        async with self._slots.hold(self._claim(name, alone=alone)):
            if alone:
                await self._machine.calm()
            if self._request.on_begin is not None:
                self._request.on_begin(name, here.services.log_of(name))
            before = self._machine.look()
            result = await here.run_check(name)
            strained = overload(before, self._machine.look())
        return result if alone else judged_by_load(result, strained)

    def _claim(self, name: str, *, alone: bool) -> Claim:
        check = self._checks[name]
        weight = self._slots.size if alone else check.weight
        return Claim(self._turn, self._urgency[name], weight, frozenset(check.exclusive))

    def _is_barred(self, name: str, here: _Round) -> bool:
        """Whether a check cannot run on this checkout; then it is settled, or waits as its need does."""
        if self._ended_by:
            self._conclude(name, f"not started: {self._ended_by!r} did not pass", skipped=True)
            return True
        need = next((need for need in self._checks[name].needs if not here.went_well(need)), None)
        if need in self.results:
            self._conclude(name, _without(self.results[need]), skipped=True)
        return need is not None

    def _conclude(self, name: str, reason: str, *, skipped: bool) -> None:
        """Settle a check that will not run again, unless it is settled."""
        if name in self.results:
            return
        if self._runs[name]:
            past = self._history.of(name)
            self._settle(taken_together(self._checks[name], self._runs[name], past))
        elif skipped:
            self._leave_out(name, reason)
        else:
            self._settle(errored(name, self._checks[name], reason))

    def _leave_out(self, name: str, reason: str) -> None:
        self._settle(errored(name, self._checks[name], reason, skipped=True))

    def _settle(self, result: CheckResult) -> None:
        wanted = self._request.wanted_tests.get(result.check)
        result = replace(result, report=keep_wanted(result, wanted))
        self.results[result.check] = result
        if self._request.keeps and not (self._watch and self._watch.is_spoilt):
            with suppress(OSError):  # a verdict that is not kept costs a run, no more
                self._cache.put(self._keys[result.check], result)
        if self._request.on_result is not None:
            self._request.on_result(result)
        if self._request.fail_fast and not self._ended_by and _ends_others(result):
            self._ended_by = result.check
            for name, scope in self._scopes.items():
                if name != result.check:
                    scope.cancel()


@dataclass(slots=True)
class _Round:
    """What goes on in one checkout: who has ended there, and what came of it."""

    services: Services
    watch: WriteWatch
    ended: dict[str, anyio.Event]
    ran: dict[str, CheckResult] = field(default_factory=dict)

    async def run_check(self, name: str) -> CheckResult:
        """Run it now, and see what it writes."""
        self.watch.starts(name)
        try:
            result = await self.services.run_check(name)
            return replace(result, written=await self.watch.ended(name))
        finally:
            self.watch.stopped(name)

    def went_well(self, name: str) -> bool:
        return name in self.ran and self.ran[name].ok


def _without(need: CheckResult) -> str:
    """Why a check cannot run; a need that is fine on record went wrong on this very checkout."""
    again = f"not started: it needs {need.check!r}, which did not pass again"
    return again if need.ok else not_started(need)


def _ends_others(result: CheckResult) -> bool:
    """Whether the verification cannot pass any more; what could not run may, another time."""
    return not result.ok and result.verdict is not Verdict.ERRORED

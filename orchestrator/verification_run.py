"""The checks of one verification, on their way to results.

A check starts as soon as everything it needs has passed and a slot is free. A failure leaves out
what needs the failed check and nothing else, so that an agent is told everything at once. Whatever
really ran and passed or failed is put into the cache here, and nowhere else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from orchestrator.check_graph import Course, not_started
from orchestrator.check_run import Workbench, errored, run_check
from orchestrator.errors import ClerkError
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.cache import VerdictCache
    from orchestrator.plan.model import Plan
    from orchestrator.results import CheckResult
    from orchestrator.sandboxes import Sandbox


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What to verify: ``checks`` of ``plan``, and all they need, on ``commit``, whose tree is ``tree``.

    ``sandbox`` is what its commands run in, ``logs`` a folder for this verification alone. ``main_checkout`` is where setup takes files
    from, None in a bare repository. Without ``use_cache`` everything runs again; results are kept
    all the same. With ``trust_failures`` a known failure spares a run as a known pass does. With
    ``fail_fast`` no check is started any more once one has not passed.
    ``on_result`` is told each result as it comes.
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
    fail_fast: bool = False
    on_result: Callable[[CheckResult], None] | None = None


class VerificationRun:
    """One run; ``results`` by check, complete once all has been told or given up."""

    def __init__(
        self,
        request: VerificationRequest,
        course: Course,
        keys: Mapping[str, str],
        cache: VerdictCache,
        slots: anyio.CapacityLimiter,
    ) -> None:
        self.results: dict[str, CheckResult] = {}
        self._request = request
        self._checks = request.plan.checks
        self._course = course
        self._keys = keys
        self._cache = cache
        self._slots = slots
        self._ended = {name: anyio.Event() for name in course.to_run}

    def tell_known(self) -> None:
        """Tell what need not run, and what cannot."""
        for result in self._course.reused.values():
            self._tell(result)
        for name, need in self._course.left_out.items():
            reason = not_started(self.results[need])
            self._tell(errored(name, self._checks[name], reason, skipped=True))

    async def everything(self, bench: Workbench) -> None:
        """Run all that must run, each as soon as what it needs has passed.

        Raises ClerkError or OSError when the machine fails; what runs is stopped then.
        """
        try:
            async with anyio.create_task_group() as running:
                for name in self._course.to_run:
                    running.start_soon(self._one, name, bench)
        except ExceptionGroup as several:
            expected, others = several.split((ClerkError, OSError))
            if expected is None or others is not None:
                raise
            raise expected.exceptions[0] from several

    def give_up(self, reason: str) -> None:
        """Nothing more can run, and this is why."""
        for name in self._course.to_run:
            if name not in self.results:
                self._tell(errored(name, self._checks[name], reason))

    async def _one(self, name: str, bench: Workbench) -> None:
        check = self._checks[name]
        for need in check.needs:
            await self._ended[need].wait()
        async with self._slots:
            reason = self._why_not(name)
            if reason:
                result = errored(name, check, reason, skipped=True)
            else:
                result = await run_check(name, check, bench)
        self._keep(result)
        self._tell(result)
        self._ended[name].set()

    def _why_not(self, name: str) -> str:
        """Why a check that could start now should not."""
        for need in self._checks[name].needs:
            if self.results[need].verdict is not Verdict.PASSED:
                return not_started(self.results[need])
        if self._request.fail_fast:
            for result in self.results.values():
                if result.verdict is not Verdict.PASSED:
                    return f"not started: {result.check!r} did not pass"
        return ""

    def _keep(self, result: CheckResult) -> None:
        with suppress(OSError):  # a verdict that is not kept costs a run, no more
            self._cache.put(self._keys[result.check], result)

    def _tell(self, result: CheckResult) -> None:
        self.results[result.check] = result
        if self._request.on_result is not None:
            self._request.on_result(result)

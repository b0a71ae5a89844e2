"""The programs that run beside the checks of one verification, and the checks beside them.

A service starts when the first check wants it, after those it needs, and ends with the verification,
whatever ends that. Services and the checks that use them share one network, which others do not
reach. A check whose services are not all there has not run: it is *errored*, never passed, and
nobody is blamed.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import ClerkError
from orchestrator.plan.services import beside, port_names, with_ports
from orchestrator.results import Report
from orchestrator.states import Verdict
from orchestrator.verification.check_run import errored, log_path, run_check
from orchestrator.verification.services.ground import Ground, state_folder
from orchestrator.verification.services.run import ServiceRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable
    from pathlib import Path

    from anyio.abc import TaskGroup

    from orchestrator.plan.model import Check, Plan
    from orchestrator.results import CheckResult
    from orchestrator.verification.check_run import Workbench
    from orchestrator.verification.ports import Ports


def make_state_folders(plan: Plan, checks: Iterable[str], scratch: Path) -> None:
    """The folders of the services beside ``checks``, before ``scratch`` is made over to its jobs."""
    for name in _wanted(plan, checks):
        state_folder(plan.services, name, scratch).mkdir(mode=0o700)


@asynccontextmanager
async def services_beside(
    plan: Plan, checks: Iterable[str], bench: Workbench, ports: Ports
) -> AsyncIterator[Services]:
    """The services beside ``checks``, none of which has started; when this is left all have ended.

    Raises CannotRun when they cannot be given ports or a network; and what is raised within.
    """
    failure: ClerkError | OSError | None = None
    async with (
        _ground(plan, _wanted(plan, checks), bench, ports) as ground,
        anyio.create_task_group() as running,
    ):
        try:
            yield Services(plan, bench, ground, running)
        except (ClerkError, OSError) as error:  # it would be raised as one of a group
            failure = error
        running.cancel_scope.cancel()
    if failure is not None:
        raise failure


@asynccontextmanager
async def _ground(
    plan: Plan, wanted: Collection[str], bench: Workbench, ports: Ports
) -> AsyncIterator[Ground]:
    """Where ``wanted`` will run; nothing is made where there are none."""
    if not wanted:
        yield Ground(plan.services, {}, bench)
        return
    with ports.lend(port_names(plan, plan.services)) as lent:
        async with bench.confinement.meeting(tuple(lent.values())) as confinement:
            yield Ground(plan.services, lent, replace(bench, confinement=confinement))


def _wanted(plan: Plan, checks: Iterable[str]) -> set[str]:
    return {service for name in checks for service in beside(plan, plan.checks[name])}


class Services:
    """Runs the checks of one verification, each beside its services."""

    def __init__(self, plan: Plan, bench: Workbench, ground: Ground, running: TaskGroup) -> None:
        self._plan = plan
        self._bench = bench
        self._ground = ground
        self._running = running
        self._runs: dict[str, ServiceRun] = {}

    async def run_check(self, name: str) -> CheckResult:
        """Run one check to its end, its services with it; what could not run is ERRORED."""
        check = self._plan.checks[name]
        if not check.services:
            return await run_check(name, check, self._bench)
        runs = [self._run_of(service) for service in beside(self._plan, check)]
        for run in runs:
            await run.settled.wait()
        result = None if _troubled(runs) else await self._beside(name, check, runs)
        troubled = _troubled(runs)
        if result is None or troubled is not None:
            return _without(name, check, troubled)
        return replace(result, command=check.run)

    def log_of(self, name: str) -> Path:
        """The log that a run of this check writes."""
        return log_path(name, self._bench)

    async def _beside(self, name: str, check: Check, runs: list[ServiceRun]) -> CheckResult | None:
        """The result of a check whose services are ready; None when one went down meanwhile."""
        result = None
        async with anyio.create_task_group() as watching:
            for run in runs:
                watching.start_soon(_cancel_when_down, run, watching)
            result = await run_check(name, self._filled(check), self._ground.bench)
            for run in runs:
                await run.look_again(closely=result.verdict is not Verdict.PASSED)
            watching.cancel_scope.cancel()
        return result

    def _filled(self, check: Check) -> Check:
        """A check with the numbers of its ports."""
        ports, own = self._ground.ports, port_names(self._plan, beside(self._plan, check))
        env = {name: with_ports(text, ports) for name, text in check.env.items()}
        told = {**self._ground.variables(own), **env}
        return check.model_copy(update={"run": with_ports(check.run, ports), "env": told})

    def _run_of(self, name: str) -> ServiceRun:
        """A service that lives from now on, or does already."""
        if name not in self._runs:
            self._runs[name] = ServiceRun(name, self._ground)
            self._running.start_soon(self._live, name)
        return self._runs[name]

    async def _live(self, name: str) -> None:
        """Start a service as soon as those it needs are ready."""
        run = self._runs[name]
        for need in self._plan.services[name].needs:
            needed = self._run_of(need)
            await needed.settled.wait()
            if needed.trouble:
                run.fail(f"service {name!r} was not started: {needed.trouble}")
                return
        await run.live()


async def _cancel_when_down(run: ServiceRun, watching: TaskGroup) -> None:
    await run.down.wait()
    watching.cancel_scope.cancel()


def _troubled(runs: Iterable[ServiceRun]) -> ServiceRun | None:
    """The first that is of no use; it comes before those that need it."""
    return next((run for run in runs if run.trouble), None)


def _without(name: str, check: Check, troubled: ServiceRun | None) -> CheckResult:
    """The result of a check that had to do without one of its services."""
    if troubled is None:  # it went down and nobody knows why: still no verdict
        return errored(name, check, "one of its services went down")
    result = errored(name, check, troubled.trouble)
    return replace(result, report=Report(tail=troubled.last_output()), log=troubled.log)

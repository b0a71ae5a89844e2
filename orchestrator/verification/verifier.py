"""All checks of one tree: what is known is not run again, what runs does so on a clean checkout.

The commands are the plan's as it was started, never the branch's. Checks run in a checkout that
holds the commit and nothing else, with the short environment of checks and a private temporary
folder, at most as many at once as there are verify slots. Whatever keeps a check from running
(setup, git, the disk) makes it *errored*: it never passes for that, and the agent is never blamed.
Only verifications write the cache of verdicts.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.to_thread

from orchestrator.allowance import Allowance
from orchestrator.borders.way_out import connected
from orchestrator.environment import check_environment, confined_environment
from orchestrator.errors import ClerkError, SetupFailed
from orchestrator.keyed_lock import KeyedLock
from orchestrator.plan.services import beside
from orchestrator.results import CheckResult, Verification
from orchestrator.scratch import scratch_folder
from orchestrator.states import Verdict
from orchestrator.tests_first.rules import tells_of
from orchestrator.verification.check_graph import chart, run_order
from orchestrator.verification.check_run import Workbench, errored
from orchestrator.verification.ports import Ports
from orchestrator.verification.provenance import Given, other_checkouts, strays, told
from orchestrator.verification.run import VerificationRequest, VerificationRun
from orchestrator.verification.services import make_state_folders, services_beside
from orchestrator.verification.strain import Machine
from orchestrator.verification.write_watch import WriteWatch
from orchestrator.worktree_setup import set_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.borders.enclosures import Enclosures
    from orchestrator.executors import Executor
    from orchestrator.git.command import WorkTree
    from orchestrator.plan.model import Check, Service
    from orchestrator.verification.cache import VerdictCache
    from orchestrator.verification.check_keys import CheckKeys
    from orchestrator.verification.input_audit import InputAudit
    from orchestrator.verification.slots import Slots


class Checkout(Protocol):
    """A clean checkout of one commit."""

    @property
    def worktree(self) -> WorkTree: ...
    @property
    def path(self) -> Path: ...
    @property
    def tree(self) -> str: ...
    async def changed(self) -> frozenset[str]: ...


class Pool(Protocol):
    """Lends clean checkouts; ``orchestrator.git.pool.CheckoutPool`` is one."""

    def acquire(self, commit: str) -> AbstractAsyncContextManager[Checkout]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """``setup_seconds`` for making a checkout ready; the others as in ``job.Job``."""

    setup_seconds: float = 1800.0
    log_bytes: int = 32 * 1024 * 1024
    grace_seconds: float = 5.0
    allowance: Allowance = field(default_factory=Allowance)


class Verifier:
    """Verifies trees. ``slots`` say who may run; ``environ`` is the user's environment."""

    def __init__(
        self,
        *,
        pool: Pool,
        cache: VerdictCache,
        keys: CheckKeys,
        audit: InputAudit,
        executor: Executor,
        enclosures: Enclosures,
        slots: Slots,
        environ: Mapping[str, str],
        limits: Limits | None = None,
        machine: Machine | None = None,
    ) -> None:
        self._pool = pool
        self._cache = cache
        self._keys = keys
        self._audit = audit
        self._executor = executor
        self._enclosures = enclosures
        self._slots = slots
        self._environ = environ
        self._limits = limits or Limits()
        self._machine = machine or Machine()
        self._ports = Ports()
        self._trees = KeyedLock()

    async def verify(self, request: VerificationRequest) -> Verification:
        """The verdicts of all wanted checks and of those they need, in the order of running.

        Two requests for one tree wait for each other, so that the second finds what the first
        found. Raises KeyError for a check that the plan does not have, nothing else of its own.
        """
        began = anyio.current_time()
        order = run_order(request.plan.checks, request.checks)
        try:
            keys = await self._keys.of(request, order, self._env(request))
        except (ClerkError, OSError) as error:
            results = _none_could_run(request, order, error)
        else:
            results = await self._found(request, order, keys)
            if request.audit_inputs:
                results = await self._audit.of(request, results, keys, self.verify)
        seconds = round(anyio.current_time() - began, 3)
        return Verification(request.commit, request.tree, results, seconds)

    async def _found(
        self, request: VerificationRequest, order: tuple[str, ...], keys: Mapping[str, str]
    ) -> tuple[CheckResult, ...]:
        if not request.use_cache:
            return await self._results(request, order, keys, {})
        async with self._trees.hold(request.tree):
            return await self._results(request, order, keys, self._known(keys, request))

    def _known(
        self, keys: Mapping[str, str], request: VerificationRequest
    ) -> dict[str, CheckResult]:
        """What was found before; a failure may be the machine's, so it is trusted on request only.

        Nor is a pass that does not tell of the tests somebody wants to know of.
        """
        found = {name: self._cache.get(key) for name, key in keys.items()}
        return {
            name: result
            for name, result in found.items()
            if result is not None
            and (request.trust_failures or result.verdict is Verdict.PASSED)
            and tells_of(result, request.wanted_tests.get(name))
        }

    async def _results(
        self,
        request: VerificationRequest,
        order: tuple[str, ...],
        keys: Mapping[str, str],
        known: Mapping[str, CheckResult],
    ) -> tuple[CheckResult, ...]:
        course = chart(request.plan.checks, order, known)
        run = VerificationRun(
            request, course, keys, cache=self._cache, slots=self._slots, machine=self._machine
        )
        run.tell_known()
        while run.due():
            folder = request.logs / f"again-{run.rounds}" if run.rounds else request.logs
            await self._run_on_checkout(replace(request, logs=folder), run)
        return tuple(run.results[name] for name in order)

    async def _run_on_checkout(self, request: VerificationRequest, run: VerificationRun) -> None:
        try:
            async with (
                self._pool.acquire(request.commit) as checkout,
                scratch_folder() as private,
            ):
                scratch = private / "own"  # whose mode is the checks' to change
                scratch.mkdir()
                due = run.due()
                make_state_folders(request.plan, due, scratch)
                bench = await self._made_ready(request, checkout, scratch)
                if astray := await _astray(request, due, bench, checkout.worktree):
                    run.give_up(f"would not test this tree: {astray}")
                    return
                async with services_beside(request.plan, due, bench, self._ports) as services:
                    await run.everything(services, WriteWatch(checkout.path, checkout.changed))
        except SetupFailed as error:
            run.give_up(f"the checkout could not be made ready: {error}")
        except (ClerkError, OSError) as error:
            run.give_up(f"could not run: {error}")

    async def _made_ready(
        self, request: VerificationRequest, checkout: Checkout, scratch: Path
    ) -> Workbench:
        if checkout.tree != request.tree:
            raise SetupFailed(f"{request.commit} does not hold tree {request.tree}")
        request.logs.mkdir(parents=True, exist_ok=True)
        wanted = request.plan.worktree
        enclosed = await self._enclosures.of_verification(
            request.sandbox, checkout.worktree, scratch=scratch, lent=wanted.needs.paths
        )
        bench = Workbench(
            folder=checkout.path,
            commit=request.commit,
            logs=request.logs,
            scratch=scratch,
            env=self._env(request) | _temporary(request, scratch),
            cookie=secrets.token_hex(8),
            executor=self._executor,
            confinement=enclosed.confinement,
            log_bytes=self._limits.log_bytes,
            grace_seconds=self._limits.grace_seconds,
            allowance=self._limits.allowance,
        )
        await self._set_up(request, bench)
        await bench.confinement.make_over()
        return bench

    async def _set_up(self, request: VerificationRequest, bench: Workbench) -> None:
        """Make the checkout ready; its commands have the network the plan lists, checks have none."""
        wanted = request.plan.worktree
        out = connected(
            bench.confinement,
            wanted.needs.network if wanted.setup else (),
            None,
            log=request.logs / "network.log",
            on_refused=lambda _host: None,  # the command is told, and its last words tell
        )
        async with out as confinement:
            await set_up(
                bench.folder,
                wanted,
                main_checkout=request.main_checkout,
                env=bench.env,
                executor=self._executor,
                confinement=confinement,
                log=request.logs / "setup.log",
                cookie=f"{bench.cookie}.setup",
                timeout_seconds=self._limits.setup_seconds,
                allowance=self._limits.allowance,
            )

    def _env(self, request: VerificationRequest) -> dict[str, str]:
        wanted = request.plan.worktree
        if request.sandbox.confines:
            return confined_environment(
                self._environ, lent=wanted.needs.env, plan_env=wanted.env, measured=True
            )
        return check_environment(self._environ, lent=wanted.needs.env, plan_env=wanted.env)


def _none_could_run(
    request: VerificationRequest, order: tuple[str, ...], error: Exception
) -> tuple[CheckResult, ...]:
    reason = f"could not run: {error}"
    results = tuple(errored(name, request.plan.checks[name], reason) for name in order)
    if request.on_result is not None:
        for result in results:
            request.on_result(result)
    return results


async def _astray(
    request: VerificationRequest, due: Iterable[str], bench: Workbench, tree: WorkTree
) -> str:
    """Why the checks that are due would test another checkout's code; empty when they would not."""
    plan, checks = request.plan, [request.plan.checks[name] for name in due]
    services = [plan.services[name] for check in checks for name in beside(plan, check)]
    jobs: list[Check | Service] = [*checks, *services]
    given = Given(
        lines=tuple(job.run for job in jobs),
        environments=(bench.env, *({**bench.env, **job.env} for job in jobs if job.env)),
        homely=not request.sandbox.confines,
    )
    common_dir = tree.git_dir.parent.parent
    others = other_checkouts(common_dir, request.main_checkout)
    look = partial(strays, tree.path, common_dir, others, given)
    return told(await anyio.to_thread.run_sync(look))


def _temporary(request: VerificationRequest, scratch: Path) -> dict[str, str]:
    """Where nothing confines, a temporary folder of this verification's own; a sandbox has one."""
    if request.sandbox.confines:
        return {}
    folder = scratch / "tmp"
    folder.mkdir()
    return {"TMPDIR": str(folder)}

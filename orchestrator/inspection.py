"""The checks of a plan, tried on its target before any work and without an engine.

Holds the engine's lock meanwhile, since the checkouts and the cache are the engine's. What is
found out is kept for it: a run of the plan finds it known. Stores nothing else.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from orchestrator import sandboxes, scratch
from orchestrator.errors import EngineLocked, UsageError
from orchestrator.git.opening import OpenRepository
from orchestrator.git.refs import branch_ref
from orchestrator.locks import EngineLock
from orchestrator.sandboxes.choice import choose
from orchestrator.settings import load_settings
from orchestrator.supervision import orphans
from orchestrator.verification.run import VerificationRequest
from orchestrator.verification.workshop import Workshop

if TYPE_CHECKING:
    from orchestrator.git.repository import Repository
    from orchestrator.plan.model import Plan
    from orchestrator.results import Verification
    from orchestrator.settings import Settings

FOLDER = "inspection"


async def inspect(
    repository: Repository, plan: Plan, checks: tuple[str, ...], *, audit_inputs: bool
) -> Verification:
    """Verify the target of ``plan`` by ``checks``.

    Raises UsageError where an engine runs, or there is no such branch.
    """
    async with AsyncExitStack() as held:
        repository.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = EngineLock(repository.state_dir / "lock")
        try:
            held.enter_context(lock)
        except EngineLocked:
            raise UsageError("an engine runs here; stop it first with: clerk stop") from None
        settings = load_settings(repository.state_dir, os.environ)
        held.enter_context(orphans.household(repository.mark))
        await scratch.sweep()
        git = held.enter_context(OpenRepository(repository, verify_slots=settings.verify_slots))
        request = await _request(git, plan, checks, settings, audit_inputs=audit_inputs)
        return await Workshop.of(git, settings, dict(os.environ)).verifier.verify(request)


async def _request(
    git: OpenRepository,
    plan: Plan,
    checks: tuple[str, ...],
    settings: Settings,
    *,
    audit_inputs: bool,
) -> VerificationRequest:
    commit = await git.refs.resolve(branch_ref(plan.target))
    if commit is None:
        raise UsageError(f"there is no branch {plan.target!r} to try the checks on")
    return VerificationRequest(
        plan=plan,
        checks=checks,
        commit=commit,
        tree=await git.objects.tree_of(commit),
        sandbox=sandboxes.load(await choose(settings.sandbox)),
        logs=git.repository.state_dir / "logs" / plan.name / FOLDER,
        main_checkout=git.repository.checkout,
        audit_inputs=audit_inputs,
    )

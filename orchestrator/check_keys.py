"""What the verdict of each check may depend on, as the key it is kept under.

Whatever can change a verdict stands in its key: a key that leaves something out would let an old
verdict speak for what it never saw. Nothing here reads or writes the cache.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.cache import cache_key
from orchestrator.surroundings import surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.verification_run import VerificationRequest


async def check_keys(
    request: VerificationRequest, order: tuple[str, ...], env: Mapping[str, str]
) -> dict[str, str]:
    """The key of each check in ``order`` (needs first); ``env`` is what checks are given."""
    wanted = request.plan.worktree
    around = partial(surroundings, wanted, request.main_checkout)
    found = await anyio.to_thread.run_sync(around) if wanted.copy_ or wanted.share else around()
    told = {name: value for name, value in env.items() if name != "TMPDIR"}
    told["CLERK_SANDBOX"] = request.sandbox.name
    keys: dict[str, str] = {}
    for name in order:
        check = request.plan.checks[name]
        keys[name] = cache_key(
            tree=request.tree,
            command=check.run,
            report=check.report,
            env=told,
            setup=wanted.setup,
            copied=found.copied,
            shared=found.shared,
            needs=[keys[need] for need in check.needs],
        )
    return keys

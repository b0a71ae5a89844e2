"""Where trees are verified: a verifier with all that it needs, wired once.

For the engine, and for a command that holds the engine's lock in its place. Nothing is done here
but wiring.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import executors
from orchestrator.borders.enclosures import Enclosures, enclosures_of
from orchestrator.verification.cache import Bounds, VerdictCache
from orchestrator.verification.check_inputs import CheckInputs
from orchestrator.verification.check_keys import CheckKeys
from orchestrator.verification.input_audit import InputAudit
from orchestrator.verification.slots import Slots
from orchestrator.verification.verifier import Limits, Verifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.executors import Executor
    from orchestrator.git.opening import OpenRepository
    from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True)
class Workshop:
    """The verifier of one repository, and its parts that sessions use, too."""

    cache: VerdictCache
    executor: Executor
    enclosures: Enclosures
    verifier: Verifier

    @classmethod
    def of(cls, git: OpenRepository, settings: Settings, environ: Mapping[str, str]) -> Workshop:
        """Wired for ``git``; ``environ`` is the user's own environment."""
        state = git.repository.state_dir
        cache = VerdictCache(state / "cache", Bounds(settings.cache_entries, settings.cache_bytes))
        executor = executors.load("local")
        home = Path(environ.get("HOME", "/nonexistent"))
        enclosures = Enclosures(git.views, enclosures_of(state), home)
        inputs = CheckInputs(git.listings)
        verifier = Verifier(
            pool=git.pool,
            cache=cache,
            keys=CheckKeys(inputs, git.rendering),
            audit=InputAudit(inputs, git.reductions, cache),
            executor=executor,
            enclosures=enclosures,
            slots=Slots(settings.verify_slots, reserve=settings.memory_reserve_bytes),
            environ=environ,
            limits=Limits(
                log_bytes=settings.log_bytes,
                grace_seconds=settings.grace_seconds,
                allowance=settings.allowance,
            ),
        )
        return cls(cache, executor, enclosures, verifier)

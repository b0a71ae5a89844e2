"""A repository opened for work: every part of this room, wired once.

The engine opens one and closes it. Nothing is done on opening but wiring; ``repair`` is a step
of its own, since it needs the engine's lock.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.git.candidates import Candidates
from orchestrator.git.conflicts import Conflicts
from orchestrator.git.environment import DURABLE
from orchestrator.git.exchange import Exchange
from orchestrator.git.grounds import Grounds
from orchestrator.git.history import History
from orchestrator.git.imports import Imports
from orchestrator.git.landing import Landing
from orchestrator.git.leftovers import Leftovers
from orchestrator.git.linked import LinkedWorktrees
from orchestrator.git.listing import Listings
from orchestrator.git.notes import Notes
from orchestrator.git.objects import Objects
from orchestrator.git.pool import CheckoutPool
from orchestrator.git.private_view import PrivateViews
from orchestrator.git.recheck import Recheck
from orchestrator.git.reduction import Reductions
from orchestrator.git.ref_writer import RefWriter
from orchestrator.git.refs import Refs
from orchestrator.git.rendering import Rendering
from orchestrator.git.repair import repair
from orchestrator.git.resolutions import Resolutions
from orchestrator.git.reverting import Reverting
from orchestrator.git.stragglers import Stragglers
from orchestrator.git.strategies import Strategies
from orchestrator.git.tripwire import Tripwire
from orchestrator.git.worktrees import TaskWorktrees

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from orchestrator.git.repository import Repository


class OpenRepository:
    """The parts of the git room for one repository; a context manager."""

    def __init__(self, repository: Repository, *, verify_slots: int = 1) -> None:
        self.repository = repository
        self.git = git = repository.git
        self.objects = Objects(git, sha1=repository.object_format == "sha1")
        self._writer = RefWriter(git)
        self.refs = Refs(git, repository.null_oid, self.objects, self._writer)
        self.history = History(git, self.objects)
        self.linked = LinkedWorktrees(
            git, repository.worktrees_dir, repository.state_dir / "worktrees"
        )
        self._verify_slots = verify_slots

    @cached_property
    def worktrees(self) -> TaskWorktrees:
        return TaskWorktrees(self.git, self.refs, self.history, self.linked)

    @cached_property
    def leftovers(self) -> Leftovers:
        return Leftovers(self.git, self.refs, self.history, self.objects)

    @cached_property
    def pool(self) -> CheckoutPool:
        return CheckoutPool(self.git, self.objects, self.linked, size=self._verify_slots)

    @cached_property
    def listings(self) -> Listings:
        return Listings(self.git)

    @cached_property
    def reductions(self) -> Reductions:
        return Reductions(self.git)

    @cached_property
    def rendering(self) -> Rendering:
        return Rendering(self.git)

    @cached_property
    def views(self) -> PrivateViews:
        return PrivateViews(self.git, self.refs)

    @cached_property
    def candidates(self) -> Candidates:
        """Flushed to disk as they are made: the target may move to one, and must not dangle."""
        return Candidates(self.git, env=DURABLE)

    @cached_property
    def notes(self) -> Notes:
        return Notes(self.git, self.refs, self.objects)

    @cached_property
    def strategies(self) -> Strategies:
        return Strategies(self.git, self.candidates, self.objects)

    @cached_property
    def reverting(self) -> Reverting:
        return Reverting(self.git, self.candidates, self.objects)

    @cached_property
    def conflicts(self) -> Conflicts:
        return Conflicts(self.git, self.history, self.resolutions)

    @cached_property
    def resolutions(self) -> Resolutions:
        return Resolutions(self.git, self.refs)

    @cached_property
    def grounds(self) -> Grounds:
        return Grounds(self.git, self.candidates, self.objects)

    @cached_property
    def landing(self) -> Landing:
        recheck = Recheck(self.objects, self.history, self.candidates, self.reverting)
        return Landing(self.git, self.refs, self.objects, recheck)

    @cached_property
    def stragglers(self) -> Stragglers:
        return Stragglers(self.git, self.refs, self.history)

    @cached_property
    def exchange(self) -> Exchange:
        return Exchange(self.git, self.repository.state_dir / "outbox")

    @cached_property
    def imports(self) -> Imports:
        return Imports(self.git)

    @cached_property
    def tripwire(self) -> Tripwire:
        return Tripwire(self.git, self.refs, self.repository.worktrees_dir)

    async def repair(self) -> tuple[str, ...]:
        """Mend what a crash left; only while holding the engine's lock."""
        return await repair(self.repository.common_dir, self.linked)

    def close(self) -> None:
        """End what stays between questions; who asks again begins it anew."""
        self.objects.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

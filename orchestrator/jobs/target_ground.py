"""The ground on which a target moves: whether anything forbids it, and who stands on the target.

A checkout of the target is a person's, who must have given leave; tampering stops every landing.
Looks and says why; what follows from that is the caller's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.landing import how_to_follow
from orchestrator.git.refs import branch_ref
from orchestrator.jobs.stacks import ground_missing
from orchestrator.jobs.tampering import tampering
from orchestrator.scheduling.needs import leave_wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.git.command import WorkTree
    from orchestrator.git.landing import TargetCheckout
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


class TargetGround:
    """The ground of one branch that tasks land on."""

    def __init__(self, site: Site, target: str) -> None:
        self._site = site
        self.target = target
        self.ref = branch_ref(target)

    async def commit(self) -> str | None:
        """The commit that the target is at, None where there is no such branch."""
        return await self._site.git.refs.resolve(self.ref)

    async def set_back(self, record: TaskRecord, commit: str) -> str:
        """Why a target that lost what the task was started from must wait; empty when it did not.

        Whoever took commits off the target does not want them back by way of a task.
        """
        lost = await ground_missing(self._site, record, commit)
        if not lost:
            return ""
        return (
            f"{self.target} no longer holds {lost[:9]}, which {record.id!r} was started "
            f"from: landing it would bring that back; put it on {self.target} again, or cancel "
            "the task"
        )

    async def hindrance(self, *, update_checkout: bool) -> str:
        """Why nothing may move the target: tampering, or a checkout of it; empty when none does."""
        if reason := await tampering(self._site):
            return reason
        for checkout in await self.checkouts():
            place = checkout.worktree.path
            if not update_checkout:
                return leave_wanted(self.target, str(place))
            if not checkout.is_clean:
                dirt = ", ".join(checkout.dirt[:3])
                return f"{self.target} is checked out in {place} with changes of yours: {dirt}"
        return ""

    async def checkouts(self) -> tuple[TargetCheckout, ...]:
        """Every work tree that has the target checked out."""
        main = self._site.records.repository.main
        return await self._site.git.landing.checkouts_of(self.ref, main)

    async def blocked(self, checkouts: Iterable[TargetCheckout], old: str, new: str) -> str:
        """Why a checkout could not follow the target from ``old`` to ``new``; empty when all can."""
        for checkout in checkouts:
            tree = checkout.worktree
            if found := await self._site.git.landing.blockers(tree, old, new):
                return f"{tree.path} cannot follow {self.target}: {', '.join(found[:3])}"
        return ""

    async def bring_along(
        self, checkouts: Iterable[TargetCheckout], old: str, new: str
    ) -> tuple[str, ...]:
        """Bring checkouts along after the target moved; tells of those that did not follow."""
        trees = [checkout.worktree for checkout in checkouts]
        return tuple(
            [
                f"{tree.path} did not follow; there: {how_to_follow(old)}"
                for tree in trees
                if not await self._follows(tree, old, new)
            ]
        )

    async def latecomers(
        self,
        known: Iterable[TargetCheckout],
        old: str,
        new: str,
        *,
        update_checkout: bool,
    ) -> tuple[str, ...]:
        """See to checkouts that somebody switched to the target just as it moved.

        Their files are of ``old``: they would show what has landed as taken back.
        """
        seen = {checkout.worktree.path for checkout in known}
        late = [one for one in await self.checkouts() if one.worktree.path not in seen]
        if update_checkout:
            return await self.bring_along(late, old, new)
        mend = how_to_follow(old)
        paths = [one.worktree.path for one in late]
        return tuple(f"{p} was switched to {self.target} as it moved; there: {mend}" for p in paths)

    async def _follows(self, tree: WorkTree, old: str, new: str) -> bool:
        """Whatever comes of that, the target has moved."""
        try:
            brought = not await self._site.git.landing.fast_forward(tree, old, new)
            crash_point("landing.checkout-brought")
        except GitError:
            return False
        return brought

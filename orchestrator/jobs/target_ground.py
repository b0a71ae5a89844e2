"""The ground on which a target moves: whether anything forbids it, and who stands on the target.

A checkout of the target is a person's, who must have given leave for it to follow, or have said in
the plan that landing goes on without it; tampering stops every landing. A checkout that does not
follow is kept in mind until it was brought up, with what is to be run there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.git.refs import branch_ref
from orchestrator.git.stragglers import how_to_follow
from orchestrator.jobs.stacks import ground_missing
from orchestrator.jobs.tampering import tampering
from orchestrator.scheduling.needs import leave_wanted
from orchestrator.states import CheckedOut, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.git.command import WorkTree
    from orchestrator.git.landing import TargetCheckout
    from orchestrator.git.stragglers import Straggler
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


@dataclass(frozen=True, slots=True)
class Leave:
    """What people allow: that their clean checkouts ``follow``, that landing may go ``past`` the others."""

    follow: bool
    past: bool = False


def leave_of(site: Site, plans: Iterable[str]) -> Leave:
    """What holds for plans that land together: leave of one is leave, and any of them may say wait."""
    names, records = tuple(plans), site.records
    follow = records.settings.update_checkout or any(
        records.book.record(name).update_checkout for name in names
    )
    asked = {records.book.plan(name).queue.checked_out for name in names}
    return Leave(follow, past=asked == {CheckedOut.LAND})


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

    async def hindrance(self, leave: Leave) -> str:
        """Why nothing may move the target: tampering, or a checkout of it; empty when none does."""
        if reason := await tampering(self._site):
            return reason
        if leave.past:
            return ""
        for checkout in await self.checkouts():
            place = checkout.worktree.path
            if not leave.follow:
                return leave_wanted(self.target, str(place))
            if not checkout.is_clean:
                if mend := self._mend(checkout.worktree):
                    return f"{place} stayed behind {self.target}; bring it up: {mend}"
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

    async def expect(
        self, checkouts: Iterable[TargetCheckout], old: str, new: str
    ) -> Mapping[WorkTree, str]:
        """Before the target moves: of which commit its checkouts are, put on record."""
        trees = [checkout.worktree for checkout in checkouts]
        return await self._site.git.stragglers.expect(self.ref, trees, old, new) if trees else {}

    async def bring_along(
        self, expected: Mapping[WorkTree, str], new: str, leave: Leave
    ) -> tuple[str, ...]:
        """Bring checkouts along after the target moved; tells of those that did not follow."""
        return tuple(
            [
                f"{tree.path} did not follow {self.target}; there: {how_to_follow(tree, at)}"
                for tree, at in expected.items()
                if not (leave.follow and await self._follows(tree, at, new))
            ]
        )

    async def latecomers(
        self, known: Iterable[TargetCheckout], old: str, new: str, leave: Leave
    ) -> tuple[str, ...]:
        """See to checkouts that somebody switched to the target just as it moved.

        Their files are of ``old``: they would show what has landed as taken back.
        """
        seen = {checkout.worktree.path for checkout in known}
        late = [one for one in await self.checkouts() if one.worktree.path not in seen]
        expected = await self.expect(late, old, new)
        if leave.follow:
            return await self.bring_along(expected, new, leave)
        return tuple(
            f"{tree.path} was switched to {self.target} as it moved; there: {how_to_follow(tree, at)}"
            for tree, at in expected.items()
        )

    async def look_behind(self, *, leave: Leave | None = None) -> None:
        """See which checkouts are behind the target, and say so once; with leave, clean ones catch up."""
        known = self._known()
        found = await self._stragglers()
        if leave is not None and leave.follow and found:
            tip = await self.commit()
            caught = [await self._follows(one.worktree, one.at, tip) for one in found if tip]
            found = await self._stragglers() if any(caught) else found
        self._site.records.activity.behind[self.target] = found
        told = {(one.worktree.path, one.at, one.taken_back) for one in known}
        for one in found:
            if (one.worktree.path, one.at, one.taken_back) not in told:
                await self._tell(one)

    async def _stragglers(self) -> tuple[Straggler, ...]:
        git, main = self._site.git, self._site.records.repository.main
        tip = await self.commit()
        if tip is None:
            return ()
        trees = git.landing.standing_on(self.ref, main)
        return await git.stragglers.look(self.ref, trees, tip, forget=True)

    async def _tell(self, one: Straggler) -> None:
        """To whoever follows a plan of this target; what was taken back also to those who brought it."""
        records, told = self._site.records, one.told(self.target)
        for name in records.book.names():
            if records.book.record(name).target != self.target:
                continue
            self._site.ledger.tell(EventKind.WARNING, told, plan=name)
            for task in records.store.tasks(name) if one.taken_back else ():
                if task.state is TaskState.MERGED and await self._is_undone(task, one):
                    self._site.ledger.tell(EventKind.WARNING, told, plan=name, task=task.id)

    async def _is_undone(self, task: TaskRecord, one: Straggler) -> bool:
        if not (task.intent_base and task.merged_commit):
            return False
        brought = await self._site.git.history.paths(task.intent_base, task.merged_commit)
        return bool(brought & set(one.taken_back))

    def _known(self) -> tuple[Straggler, ...]:
        return self._site.records.activity.behind.get(self.target, ())

    def _mend(self, tree: WorkTree) -> str:
        return next((one.mend for one in self._known() if one.worktree.path == tree.path), "")

    async def _follows(self, tree: WorkTree, old: str, new: str) -> bool:
        """Whatever comes of that, the target has moved."""
        try:
            brought = not await self._site.git.landing.fast_forward(tree, old, new)
            crash_point("landing.checkout-brought")
        except GitError:
            return False
        return brought

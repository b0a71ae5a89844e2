"""The commit point: several tasks land together, by one compare-and-swap to what was verified.

The candidates' ids are on record before the target moves and the landings after it, so that a
crash in between is decided by git alone. From the intent on nothing else may move these tasks,
and nothing tears what follows apart.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError, RefMoved
from orchestrator.git.refs import candidate_ref
from orchestrator.merge_queue.landing_outcomes import Held, Landed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.jobs.target_ground import Leave, TargetGround
    from orchestrator.merge_queue.consequences import Consequences
    from orchestrator.merge_queue.coupling import Member
    from orchestrator.site import Site

ALREADY = "it was on the target already"


class Touchdown:
    """Lands what was verified on one target."""

    def __init__(self, site: Site, ground: TargetGround, consequences: Consequences) -> None:
        self._site = site
        self._ground = ground
        self._consequences = consequences

    async def land(
        self,
        old: str,
        members: Sequence[Member],
        is_as_it_was: Callable[[], bool],
        *,
        leave: Leave,
    ) -> Held | None:
        """Move the target from ``old`` to what the last of ``members`` made of it.

        Nothing happens unless ``is_as_it_was`` at the last moment, or where somebody must be asked
        first. Raises RefMoved when somebody moved the target, GitError when the candidate is not
        what it claims to be; then, too, nothing has happened.
        """
        crash_point("landing.verified")
        # Verifying took its time: a person may have switched to the target meanwhile.
        if reason := await self._ground.hindrance(leave):
            return Held(reason)
        new = members[-1].candidate.commit
        checkouts = await self._ground.checkouts() if new != old else ()
        if not leave.past and (reason := await self._ground.blocked(checkouts, old, new)):
            return Held(reason)
        if not is_as_it_was():
            return None
        for member in members:
            record = self._site.ledger.task(*member.entry.key)
            self._consequences.intend(record, member.candidate)
        crash_point("landing.intended")
        with anyio.CancelScope(shield=True):
            expected = await self._ground.expect(checkouts, old, new)
            try:
                await self._move(old, new, members)
            except GitError:
                with suppress(GitError):  # nothing moved: what was expected is forgotten
                    await self._ground.look_behind()
                raise
            notes = await self._ground.bring_along(expected, new, leave)
            if new != old:
                notes += await self._ground.latecomers(checkouts, old, new, leave)
            if checkouts or notes:  # before it counts as landed: whoever waits for that is told all
                with suppress(GitError):
                    await self._ground.look_behind()
            for member in members:
                self._record(member, notes)
        return None

    async def _move(self, old: str, new: str, members: Sequence[Member]) -> None:
        held_by = [candidate_ref(*member.entry.key) for member in members]
        if new == old:
            for ref in held_by:
                await self._site.git.refs.let_go(ref)
            return
        crash_point("landing.before-cas")
        try:
            *before, last = [m.candidate for m in members if not m.is_there]
            await self._site.git.landing.land(
                self._ground.ref, last, old, before=before, held_by=held_by
            )
        except RefMoved:  # or git died after the move: then it was ours
            if await self._ground.commit() != new:
                raise
        crash_point("landing.after-cas")

    def _record(self, member: Member, notes: tuple[str, ...]) -> None:
        built = member.candidate
        told = (ALREADY,) if member.is_there else notes
        landed = Landed(built.commit, built.target, told)
        self._consequences.landed(self._site.ledger.task(*member.entry.key), landed)

"""The job of handing a proven task over, and of looking what became of it.

Nothing lands here: the branch is pushed, a pull request opened, and its state followed, politely.
A task that was merged over there is merged here once the target here holds that merge, for only
then may what depends on it start; the target follows by a fast-forward alone, where nobody's
checkout is in the way or leave was given. Each run ends with the task moved or with a time at which
to look again; what only a person can mend holds it, and says so once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError, HandoverHeld, HostBusy
from orchestrator.events import EventKind
from orchestrator.evidence import Seen, evidence_of, newest_results
from orchestrator.git.landings import PastLanding
from orchestrator.git.refs import branch_ref, keep_ref
from orchestrator.handover.gh import PullRequests
from orchestrator.handover.pull_request import (
    ChangesRequested,
    Closed,
    Merged,
    Update,
    Wait,
    body_of,
    hosted_at,
    next_step,
    pull_at,
    title_of,
)
from orchestrator.jobs.attestation import red_seen
from orchestrator.jobs.tampering import tampering
from orchestrator.jobs.target_ground import TargetGround, leave_of
from orchestrator.site import BRANCH
from orchestrator.states import TaskState
from orchestrator.verification_records import results_from

if TYPE_CHECKING:
    from orchestrator.handover.pull_request import Hosted, PullRequest
    from orchestrator.merge_queue.consequences import Consequences
    from orchestrator.records import TaskRecord
    from orchestrator.site import Site

HELD_SECONDS = 300.0
"""How often what is held is tried again by itself."""


class HandoverJob:
    """Hands tasks over, one after the other, and follows them."""

    def __init__(self, site: Site, consequences: Consequences) -> None:
        self._site = site
        self._consequences = consequences
        self._host = PullRequests(site.environ)
        self._line = anyio.Lock()
        self._known_at: set[Hosted] = set()
        self._told: dict[str, str] = {}

    async def run(self, plan: str, task: str) -> None:
        async with self._line:
            record = self._site.ledger.task(plan, task)
            try:
                if record.state is TaskState.NEEDS_INPUT:
                    await self._watch(record)
                elif record.pull_request:
                    await self._follow(record)
                else:
                    await self._hand_over(record)
            except HostBusy as busy:
                self._wait(self._site.ledger.task(plan, task), busy)
            except (HandoverHeld, GitError) as error:
                self._hinder(self._site.ledger.task(plan, task), str(error))

    # Handing over.

    async def _hand_over(self, record: TaskRecord) -> None:
        url, at = await self._remote(record)
        self._host.require()
        await self._tell_of_fork(record, at)
        title, body = await self._words(record)
        target = self._site.target(record.plan)
        await self._push(record, url)
        crash_point("handover.pushed")
        found = await self._host.open_one(at, record.branch, target)
        if found is None:
            found = await self._host.create(at, record.branch, target, title=title, body=body)
        else:
            await self._host.update(at, found.number, title=title, body=body)
        crash_point("handover.opened")
        self._site.ledger.amend(record, pull_request=found.url)
        self._handed(record, f"handed over: {found.url}")

    async def _tell_of_fork(self, record: TaskRecord, at: Hosted) -> None:
        """A pull request is opened where it is pushed to, which of a fork few people mean."""
        if at in self._known_at:
            return
        parent = await self._host.parent_of(at)
        self._known_at.add(at)
        if parent:
            remote = self._site.records.book.plan(record.plan).remote
            told = (
                f"the remote {remote!r} is {at.owner}/{at.name}, a fork of {parent}: the pull request "
                f"is opened in the fork, and not in {parent}; for one there name its remote in the "
                "plan (remote:), and be allowed to push to it"
            )
            self._site.ledger.tell(EventKind.WARNING, told, plan=record.plan, task=record.id)

    async def _update(self, record: TaskRecord, found: PullRequest, at: Hosted, url: str) -> None:
        title, body = await self._words(record)
        await self._push(record, url)
        await self._host.update(at, found.number, title=title, body=body)
        self._handed(record, f"handed over again: {found.url}")

    def _handed(self, record: TaskRecord, told: str) -> None:
        """It is over there; said where that is new, or somebody asked."""
        self._site.ledger.tell(EventKind.TASK_NOTED, told, plan=record.plan, task=record.id)
        self._look_later(record, told)

    async def _push(self, record: TaskRecord, url: str) -> None:
        """Bring the branch over, where what stands there is nothing but our own."""
        exchange, ref = self._site.git.exchange, branch_ref(record.branch)
        there = await exchange.head_of(url, ref)
        if there == record.head:
            return
        if there and not await self._loses_nothing(record, there):
            raise _foreign(record, there)
        try:
            await exchange.push(url, ref, record.head, over=there)
        except HandoverHeld:
            now = await exchange.head_of(url, ref)
            if now not in {there, record.head}:
                raise _foreign(record, now) from None
            if now == there:
                raise

    async def _loses_nothing(self, record: TaskRecord, there: str) -> bool:
        """Whether what stands over there is in the head, or was left by a session of the task."""
        git, prefix = self._site.git, keep_ref(record.plan, record.id, 0).rpartition("/")[0]
        if there in (await git.refs.list(prefix)).values():
            return True
        known = await git.refs.resolve(there)
        return known is not None and await git.history.is_ancestor(there, record.head)

    async def _remote(self, record: TaskRecord) -> tuple[str, Hosted]:
        """Where to, by the repository's configuration, which must be as its owner left it."""
        if reason := await tampering(self._site):
            raise HandoverHeld(reason)
        remote = self._site.records.book.plan(record.plan).remote
        url = await self._site.git.exchange.url_of(remote)
        if not url:
            raise HandoverHeld(f"there is no remote {remote!r}; git remote add {remote} URL")
        at = hosted_at(url)
        if at is None:
            raise HandoverHeld(
                f"the remote {remote!r} is at no host of pull requests; its URL must be like "
                "https://github.com/owner/name or git@github.com:owner/name"
            )
        return url, at

    async def _words(self, record: TaskRecord) -> tuple[str, str]:
        """Title and body, from what is on record of the head."""
        site, records = self._site, self._site.records
        task = records.book.task(record.plan, record.id)
        tree = await site.git.objects.tree_of(record.head)
        kept = (
            results_from(one)
            for one in records.store.verifications(record.plan, record.id)
            if (one.purpose, one.commit) == (BRANCH, record.head)
        )
        evidence = evidence_of(
            PastLanding(record.head, record.base, record.head, record.plan, record.id),
            tree,
            plan=records.book.record(record.plan),
            task=record,
            title=task.title,
            attempts=records.store.attempts(record.plan, record.id),
            verified=Seen(record.head, tree, newest_results(kept)),
            red=red_seen(site, record),
        )
        return title_of(task.title), body_of(evidence, task.brief)

    # Following.

    async def _look(self, record: TaskRecord) -> tuple[str, Hosted, PullRequest]:
        """The pull request where it was opened, whatever the remote is called by now."""
        url, _ = await self._remote(record)
        named = pull_at(record.pull_request)
        if named is None:
            raise HandoverHeld(f"{record.pull_request} is no pull request")
        at, number = named
        return url, at, await self._host.look(at, number)

    async def _watch(self, record: TaskRecord) -> None:
        """While a person is needed here: only that it ended over there is of interest."""
        again = self._site.ledger.clock() + HELD_SECONDS
        self._site.ledger.amend(record, retry_at=again)
        url, _, found = await self._look(record)
        now = self._site.ledger.task(record.plan, record.id)
        if now.state is not TaskState.NEEDS_INPUT:
            return
        match next_step(now.head, found):
            case Merged() as merged:
                await self._merged(now, merged, url)
            case Closed():
                told = f"its pull request was closed without being merged: {found.url}"
                self._site.ledger.amend(now, pull_request="")
                self._site.ledger.tell(EventKind.WARNING, told, plan=now.plan, task=now.id)

    async def _follow(self, record: TaskRecord) -> None:
        url, at, found = await self._look(record)
        match next_step(record.head, found):
            case Wait() if record.merge_requested:
                self._handed(record, f"handed over: {found.url}")
            case Wait():
                self._look_later(record, f"handed over: {found.url}")
            case Update():
                await self._update(record, found, at, url)
            case Merged() as merged:
                await self._merged(record, merged, url)
            case Closed():
                told = f"its pull request was closed without being merged: {found.url}"
                self._ask_person(record, told, pull_request="")
            case ChangesRequested(author, words):
                self._send_word(record, author, words)

    def _send_word(self, record: TaskRecord, author: str, words: str) -> None:
        said = f"{author} asks for changes" + (f": {words}" if words else "")
        told = f'{said} ({record.pull_request}); send it back: clerk retry {record.id} --note "…"'
        self._ask_person(record, told, feedback=f"A reviewer of your work, {said}")

    def _ask_person(self, record: TaskRecord, told: str, **facts: Any) -> None:
        """A person decides; without a note a retry looks at the pull request again, or opens one."""
        self._site.ledger.move(
            record,
            TaskState.NEEDS_INPUT,
            reason=told,
            held="",
            retry_at=self._site.ledger.clock() + HELD_SECONDS,
            merge_requested=False,
            verify_errors=record.verify_errors + 1,
            **facts,
        )

    async def _merged(self, record: TaskRecord, merged: Merged, url: str) -> None:
        """Merged over there: merged here, too, as soon as the target here holds it.

        It counts by the host's word for the commit, which may be a merge, a squashed or a replayed one.
        """
        ground = TargetGround(self._site, self._site.target(record.plan))
        notes: tuple[str, ...] = ()
        commit = merged.commit
        try:
            if not await self._holds(ground, commit):
                notes = await self._follow_target(record, ground, commit, url)
        except HandoverHeld as error:
            self._hinder(record, str(error), is_ended=True)
            return
        told = f"merged over there as {commit[:9]}: {record.pull_request}"
        if merged.head != record.head:
            is_older = await self._contains(record.head, merged.head)
            if is_older and not await self._contains(commit, record.head):
                self._came_too_late(record, merged)
                return
            told += (
                f"; with {merged.head[:9]}, which is not what was proven here ({record.head[:9]})"
            )
        with anyio.CancelScope(shield=True):
            moved = self._site.ledger.move(
                record, TaskState.MERGING, reason=told, intent="", intent_base=""
            )
            landed = self._site.ledger.land(moved, commit, "", "; ".join((told, *notes)))
            await self._consequences.tidy(landed)

    def _came_too_late(self, record: TaskRecord, merged: Merged) -> None:
        """What was done since is not on the target: a person says whether it is wanted."""
        told = (
            f"its pull request was merged at {merged.head[:9]}, before {record.head[:9]} came: "
            f"{record.pull_request}; hand the rest over as another one: clerk retry {record.id}, or "
            f"do without it: clerk cancel {record.id}"
        )
        if record.state is TaskState.NEEDS_INPUT:
            self._site.ledger.amend(record, pull_request="", held="", reason=told)
            self._site.ledger.tell(EventKind.WARNING, told, plan=record.plan, task=record.id)
        else:
            self._ask_person(record, told, pull_request="")

    async def _contains(self, commit: str, ancestor: str) -> bool:
        """Whether a commit holds another one; False where either is not here."""
        git = self._site.git
        if await git.refs.resolve(commit) is None or await git.refs.resolve(ancestor) is None:
            return False
        return await git.history.is_ancestor(ancestor, commit)

    async def _holds(self, ground: TargetGround, commit: str) -> bool:
        here = await ground.commit()
        known = await self._site.git.refs.resolve(commit)
        return bool(here and known) and await self._site.git.history.is_ancestor(commit, here or "")

    async def _follow_target(
        self, record: TaskRecord, ground: TargetGround, commit: str, url: str
    ) -> tuple[str, ...]:
        """Fast-forward the target to what it is over there; raises HandoverHeld where that may not be."""
        site, here = self._site, await ground.commit()
        if here is None:
            raise HandoverHeld(f"the target branch {ground.target!r} is gone; make it again")
        there = await site.git.exchange.fetch(url, ground.ref, known=(here, record.head))
        since = f"merged over there as {commit[:9]}"
        if await site.git.refs.resolve(commit) is None or not await site.git.history.is_ancestor(
            commit, there
        ):
            raise HandoverHeld(f"{since}, which {ground.target} over there does not hold")
        site.ledger.amend(record, intent_base=here)
        if not await site.git.history.is_ancestor(here, there):
            raise HandoverHeld(
                f"{since}, but {ground.target} here holds what it does not hold over there; "
                "bring them together: git pull"
            )
        checkouts = await ground.checkouts()
        leave = leave_of(site, (record.plan,))
        why = await ground.hindrance(leave)
        if not (why or leave.past):
            why = await ground.blocked(checkouts, here, there)
        if why:
            raise HandoverHeld(f"{since}; {ground.target} here must follow: git pull, or {why}")
        with anyio.CancelScope(shield=True):
            expected = await ground.expect(checkouts, here, there)
            await site.git.refs.move(ground.ref, there, here, "clerk: follow the remote")
            notes = await ground.bring_along(expected, there, leave)
            if checkouts:
                await ground.look_behind()
        return notes

    # Waiting.

    def _look_later(self, record: TaskRecord, reason: str) -> None:
        poll = self._site.records.settings.pr_poll_seconds
        again = self._site.ledger.clock() + poll
        facts: dict[str, Any] = {"reason": reason, "held": "", "merge_requested": False}
        self._site.ledger.amend(record, retry_at=again, **facts)
        self._told.pop(record.branch, None)

    def _wait(self, record: TaskRecord, busy: HostBusy) -> None:
        """Nobody is needed: it goes on by itself, and says so."""
        ledger = self._site.ledger
        facts: dict[str, Any] = {"retry_at": ledger.clock() + busy.seconds}
        if record.state is not TaskState.NEEDS_INPUT:
            there = f"handed over: {record.pull_request}; " if record.pull_request else ""
            told = f"{there}{busy}"
            facts |= {"reason": told, "held": "", "merge_requested": False}
            if record.merge_requested:
                ledger.tell(EventKind.TASK_NOTED, told, plan=record.plan, task=record.id)
        ledger.amend(record, **facts)

    def _hinder(self, record: TaskRecord, reason: str, *, is_ended: bool = False) -> None:
        """Held, and said once; tried again by itself now and then.

        What a person is needed for already stays what is told, until it has ended over there.
        """
        if record.held != reason and self._told.get(record.branch) != reason:
            told = f"handing over waits: {reason}"
            self._site.ledger.tell(EventKind.WARNING, told, plan=record.plan, task=record.id)
        self._told[record.branch] = reason
        again = self._site.ledger.clock() + HELD_SECONDS
        if record.state is not TaskState.NEEDS_INPUT:
            self._site.ledger.amend(record, held=reason, reason="", retry_at=again)
        else:
            facts = {"held": reason} if is_ended else {}
            self._site.ledger.amend(record, retry_at=again, **facts)


def _foreign(record: TaskRecord, there: str) -> HandoverHeld:
    return HandoverHeld(
        f"somebody else has pushed {there[:9]} to {record.branch} over there, and it would be lost; "
        f"delete that branch there, or cancel the task and go on by hand; then: "
        f"clerk merge {record.id}"
    )

"""Landing one task: a candidate, verified as that very object, moved to by compare-and-swap.

The target only ever takes a commit whose exact tree passed, on top of exactly the value it was
built on; when the target moved meanwhile the candidate is built anew, and what is known of an
unchanged tree is known still. What must not break is wider than the task's own criteria: every
check that was green on the target, or that a landed task was held to, guards it.

``MergeQueue`` finds out and lands; it moves no task. What came of it is a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError, RefMoved
from orchestrator.git.candidates import Candidate, Conflict, Merge
from orchestrator.git.landing import how_to_follow
from orchestrator.git.messages import merge_message
from orchestrator.git.refs import branch_ref, candidate_ref
from orchestrator.site import BRANCH
from orchestrator.states import TaskState, Verdict
from orchestrator.tampering import tampering
from orchestrator.tests_first import asked_of, unproven
from orchestrator.verification_records import results_from

if TYPE_CHECKING:
    from orchestrator.decision import PlanSnapshot
    from orchestrator.git.command import WorkTree
    from orchestrator.git.landing import TargetCheckout
    from orchestrator.plan.model import Task
    from orchestrator.records import TaskRecord
    from orchestrator.results import CheckResult, Verification
    from orchestrator.site import Site

REBUILDS = 50
"""Rebuilt so often since the target moved, a candidate waits for quieter times."""


@dataclass(frozen=True, slots=True)
class Landed:
    """The target holds the task; ``notes`` tell of checkouts that were not brought along."""

    commit: str
    base: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The task and the target change the same lines; ``hunks`` shows them in few tokens."""

    target: str
    paths: tuple[str, ...]
    hunks: str


@dataclass(frozen=True, slots=True)
class Red:
    """The merged result fails where the target alone passes."""

    target: str
    verification: Verification


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """The merged result could not be judged; nobody is to blame."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """Landing waits for a person, for ``reason``."""

    reason: str


Landing = Landed | Conflicted | Red | Inconclusive | Held


@dataclass(frozen=True, slots=True)
class Order:
    """What is to land: a task at the head that was verified, and what guards the target.

    ``guards`` are plans with the checks that must pass on the merged result.
    """

    task: Task
    record: TaskRecord
    target: str
    guards: tuple[tuple[PlanSnapshot, tuple[str, ...]], ...]
    update_checkout: bool
    date: int


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the caller wants to know on the way, before the next step is taken."""

    built: Callable[[Candidate], None]
    verified: Callable[[PlanSnapshot, Candidate, Verification], None]


class MergeQueue:
    """Lands one order at a time."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def land(self, order: Order, hooks: Hooks) -> Landing:
        """Build, verify and land; the target is moved at most once."""
        for _ in range(REBUILDS):
            target = await self._site.git.refs.resolve(branch_ref(order.target))
            if target is None:
                return Held(f"the target branch {order.target!r} is gone; make it again")
            if reason := await self.set_back(order.record, order.target, target):
                return Held(reason)
            merged = await self._site.git.candidates.merge(target, order.record.head)
            if await self._is_there(merged):
                await self._site.git.refs.let_go(_held_by(order))
                return Landed(target, target, ("it was on the target already",))
            try:
                return await self._land_on(merged, order, hooks)
            except RefMoved:
                continue
        return Held(f"{order.target} keeps moving; try again when it is quiet")

    async def set_back(self, record: TaskRecord, branch: str, target: str) -> str:
        """Why a target that lost what the task was started from must wait; empty when it did not.

        Whoever took commits off the target does not want them back by way of a task.
        """
        if await self._site.git.history.is_ancestor(record.base, target):
            return ""
        return (
            f"{branch} no longer holds {record.base[:9]}, which {record.id!r} was started from: "
            f"landing it would bring that back; put it on {branch} again, or cancel the task"
        )

    async def _is_there(self, merged: Merge | Conflict) -> bool:
        """Whether the target holds the work already: only then can merging it change nothing."""
        git = self._site.git
        if isinstance(merged, Conflict) or merged.tree != await git.objects.tree_of(merged.target):
            return False
        return await git.history.is_ancestor(merged.head, merged.target)

    async def _land_on(self, merged: Merge | Conflict, order: Order, hooks: Hooks) -> Landing:
        """Land on the target as it is now; raises RefMoved when it is not any more."""
        if reason := await self.hindrance(order.target, update_checkout=order.update_checkout):
            return Held(reason)
        if isinstance(merged, Conflict):
            hunks = await self._site.git.conflicts.hunks(merged, HUNK_BYTES)
            return Conflicted(merged.target, merged.paths, hunks)
        built = await self._build(order, merged)
        hooks.built(built)
        crash_point("landing.intended")
        refused = await self._refused(order, built, hooks)
        return refused if refused is not None else await self._move(order, built)

    async def _build(self, order: Order, merged: Merge) -> Candidate:
        """The merge as a commit whose message names what it is verified for, and which tree."""
        record = order.record
        checks = dict.fromkeys(name for _, names in order.guards for name in names)
        message = merge_message(
            order.task.title,
            "",
            task=order.task.id,
            plan=record.plan,
            sandbox=self._site.records.book.record(record.plan).sandbox,
            verified=[(check, merged.tree) for check in checks],
            red=await self._red(record),
            flaky=self._flaky(record),
        )
        user = self._site.records.repository.identity
        strategy = self._site.records.book.plan(record.plan).strategy
        built = await self._site.git.strategies.build(
            merged, strategy, message=message, author=user, date=order.date
        )
        crash_point("candidate.built")
        await self._site.git.refs.hold(_held_by(order), built.commit)
        crash_point("candidate.held")
        return built

    def _flaky(self, record: TaskRecord) -> list[tuple[str, str]]:
        """The checks that were flaky on the branch as it lands, and on which tree."""
        last = self._site.records.store.last_verification(record.plan, record.id, BRANCH)
        if last is None or last.commit != record.head:
            return []
        return [(r.check, last.tree) for r in results_from(last) if r.verdict is Verdict.FLAKY]

    async def _red(self, record: TaskRecord) -> list[tuple[str, str]]:
        """The checks in which the task's tests were seen red, and on which tree."""
        red = [r.check for r in self._site.records.red_results(record) if _is_red(r)]
        tree = await self._site.git.objects.tree_of(record.tests_head) if red else ""
        return [(check, tree) for check in red]

    async def _refused(self, order: Order, built: Candidate, hooks: Hooks) -> Landing | None:
        """Why the candidate may not land; None when every guard passed on its tree."""
        for plan, checks in order.guards:
            verification = await self._site.verifier.verify(
                self._site.request(
                    plan, checks, built.commit, built.tree, order.record, fail_fast=True
                )
            )
            hooks.verified(plan, built, verification)
            if not verification.passed:
                return await self._blame(plan, built, verification, order.record)
            if hidden := self._unproven(order, verification, plan):
                return Held(f"locked tests do not pass once merged: {', '.join(hidden[:3])}")
        return None

    def _unproven(self, order: Order, green: Verification, guard: PlanSnapshot) -> tuple[str, ...]:
        """The task's locked tests that the merged result was not seen to pass, by its own plan."""
        asked = asked_of(guard.plan, order.task) if guard.plan.name == order.record.plan else None
        if asked is None:
            return ()
        red = self._site.records.red_results(order.record)
        return unproven(red, green.results, checks=asked.checks)

    async def _blame(
        self, plan: PlanSnapshot, built: Candidate, red: Verification, record: TaskRecord
    ) -> Landing:
        """Whose fault a red candidate is: the task's only where the target alone is green."""
        failed = [r for r in red.failed_checks() if _is_red(r)]
        if not failed:
            return Inconclusive(_why(red.failed_checks()))
        names = tuple(result.check for result in failed)
        tree = await self._site.git.objects.tree_of(built.target)
        base = await self._site.verifier.verify(
            self._site.request(plan, names, built.target, tree, record)
        )
        known = {result.check: result for result in base.results}
        if any(known[name].ok for name in names if name in known):
            return Red(built.target, red)
        if any(_is_red(known[name]) for name in names if name in known):
            return Held(
                f"{plan.record.target} itself fails {', '.join(names)}; mend it, or give it a task"
            )
        return Inconclusive(_why(base.failed_checks()))

    async def hindrance(self, target: str, *, update_checkout: bool) -> str:
        """Why nothing may move the target: tampering, or a checkout of it; empty when none does."""
        if reason := await tampering(self._site):
            return reason
        for checkout in await self._checkouts(target):
            place = checkout.worktree.path
            if not update_checkout:
                return (
                    f"{target} is checked out in {place}: give leave with "
                    "--update-checkout, or switch that checkout to another branch"
                )
            if not checkout.is_clean:
                dirt = ", ".join(checkout.dirt[:3])
                return f"{target} is checked out in {place} with changes of yours: {dirt}"
        return ""

    async def _checkouts(self, target: str) -> tuple[TargetCheckout, ...]:
        main = self._site.records.repository.main
        return await self._site.git.landing.checkouts_of(branch_ref(target), main)

    async def _move(self, order: Order, built: Candidate) -> Landing:
        """The commit point and what belongs to it, not to be torn apart by a cancellation."""
        crash_point("landing.verified")
        landing, ref = self._site.git.landing, branch_ref(order.target)
        # Verifying took its time: a person may have switched to the target meanwhile.
        if reason := await self.hindrance(order.target, update_checkout=order.update_checkout):
            return Held(reason)
        checkouts = await self._checkouts(order.target)
        for checkout in checkouts:
            tree = checkout.worktree
            if blockers := await landing.blockers(tree, built.target, built.commit):
                return Held(f"{tree.path} cannot follow {order.target}: {', '.join(blockers[:3])}")
        with anyio.CancelScope(shield=True):
            crash_point("landing.before-cas")
            try:
                await landing.land(ref, built, built.target, held_by=(_held_by(order),))
            except RefMoved:  # or git died after the move: then it was ours
                if await self._site.git.refs.resolve(ref) != built.commit:
                    raise
            crash_point("landing.after-cas")
            notes = []
            for checkout in checkouts:
                tree = checkout.worktree
                if not await self._follows(tree, built):
                    mend = how_to_follow(built.target)
                    notes.append(f"{tree.path} did not follow; there: {mend}")
        return Landed(built.commit, built.target, tuple(notes))

    async def _follows(self, tree: WorkTree, built: Candidate) -> bool:
        """Bring a checkout along; whatever comes of that, the task has landed."""
        try:
            brought = not await self._site.git.landing.fast_forward(
                tree, built.target, built.commit
            )
            crash_point("landing.checkout-brought")
        except GitError:
            return False
        return brought


HUNK_BYTES = 6000


_GREEN = frozenset({Verdict.PASSED, Verdict.FLAKY})
"""What was green on the target, if only when it was tried again, must not get worse."""


def guards_of(
    plan: PlanSnapshot, task: Task | None, *, baseline: Iterable[CheckResult]
) -> tuple[str, ...]:
    """The checks a merged result must pass, in the plan's order.

    The task's own criteria, those of every landed task, and every criterion that was green on
    the target when the plan started.
    """
    landed = (t for t in plan.plan.tasks if _has_landed(plan, t))
    wanted = {name for t in landed for name in t.done_when}
    criteria = {name for t in plan.plan.tasks for name in t.done_when}
    wanted |= {r.check for r in baseline if r.verdict in _GREEN} & criteria
    if task is not None:
        wanted |= set(task.done_when)
    return tuple(name for name in plan.plan.checks if name in wanted)


def _held_by(order: Order) -> str:
    return candidate_ref(order.record.plan, order.record.id)


def _has_landed(plan: PlanSnapshot, task: Task) -> bool:
    record = plan.tasks.get(task.id)
    return record is not None and record.state is TaskState.MERGED


def _is_red(result: CheckResult) -> bool:
    return not result.skipped and result.verdict in {Verdict.FAILED, Verdict.TIMED_OUT}


def _why(results: Iterable[CheckResult]) -> str:
    told = [f"{r.check}: {r.reason or r.verdict}" for r in results if not r.skipped]
    return "; ".join(told) or "no check gave a verdict"

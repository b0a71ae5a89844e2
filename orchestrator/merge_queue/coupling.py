"""Coupling tasks to the train of one target: each candidate as a commit, and what it is held to.

The same entry on the same commit is the same candidate, however often it is asked for, since dates
and words come from what is on record; so its verdict holds for as long as it may land. Builds
objects only, moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.crash_points import crash_point
from orchestrator.git.candidates import Candidate, Conflict
from orchestrator.git.messages import merge_message, revert_message
from orchestrator.merge_queue.guards import Guards
from orchestrator.merge_queue.train import Car, Clash
from orchestrator.site import BRANCH
from orchestrator.states import QueueMode, TaskState, Verdict
from orchestrator.verification_records import results_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.git.candidates import Merge
    from orchestrator.merge_queue.guards import Criterion, Guard
    from orchestrator.merge_queue.train import Entry
    from orchestrator.records import TaskRecord
    from orchestrator.scheduling.decision import PlanSnapshot, TaskKey
    from orchestrator.site import Site


@dataclass(frozen=True, slots=True)
class Made:
    """What came of coupling. ``promises``: the message calls it verified, so it must be to land."""

    result: Candidate | Conflict
    promises: bool = False

    def is_of(self, commit: str) -> bool:
        return isinstance(self.result, Candidate) and self.result.commit == commit


@dataclass(frozen=True, slots=True)
class Member:
    """One task of a candidate: what it was when it was coupled, and its own commit in the chain."""

    entry: Entry
    record: TaskRecord
    candidate: Candidate
    promises: bool

    @property
    def reverts(self) -> bool:
        """Whether it takes back what has landed."""
        return self.record.state is TaskState.MERGED

    @property
    def is_there(self) -> bool:
        """Whether what it stands on holds its work already: nothing was built."""
        return self.candidate.commit == self.candidate.target


Built = tuple[str, "Entry", tuple[str, ...]]
"""What a candidate depends on: the commit it is built on, its entry, and the checks it names."""


def head_of(record: TaskRecord) -> str:
    """What seals an entry: the work that is to land, or the landing that is to be taken back."""
    return record.merged_commit if record.state is TaskState.MERGED else record.head


@dataclass(frozen=True, slots=True)
class Consist:
    """All that a candidate brings, in the order of the chain, and the criteria that come with it."""

    members: tuple[Member, ...] = ()
    brought: frozenset[Criterion] = frozenset()

    @property
    def plans(self) -> frozenset[str]:
        return frozenset(member.entry.key[0] for member in self.members)

    @property
    def taken_back(self) -> tuple[TaskKey, ...]:
        return tuple(member.entry.key for member in self.members if member.reverts)


class Coupler:
    """Couples entries for one look at the queue; ``known`` are candidates of earlier looks.

    ``used`` are those that this look had a use for, ``conflicts`` the newest of each entry,
    ``at_work`` the entry that was coupled last.
    """

    def __init__(
        self,
        site: Site,
        plans: Mapping[str, PlanSnapshot],
        mode: QueueMode,
        known: Mapping[Built, Made],
    ) -> None:
        self._site = site
        self._plans = plans
        self._mode = mode
        self._known = known
        self._guards = Guards(plans.values(), site.records.baseline)
        self._consists: dict[str, Consist] = {}
        self.used: dict[Built, Made] = {}
        self.conflicts: dict[Entry, Conflict] = {}
        self.at_work: Entry | None = None

    async def __call__(self, base: str, entry: Entry) -> Car | Clash:
        """See ``train.Couple``."""
        self.at_work = entry
        record = self._plans[entry.key[0]].tasks[entry.key[1]]
        front = self._consists.get(base, Consist())
        names = self._names(front, entry, record)
        key = (base, entry, names)
        if key not in self.used:
            known = self._known.get(key)
            self.used[key] = known or await self._coupled(base, record, names)
        made = self.used[key].result
        if isinstance(made, Conflict):
            self.conflicts[entry] = made
            return Clash(made.paths)
        member = Member(entry, record, made, self.used[key].promises)
        if made.commit != base or member not in front.members:
            own = () if member.reverts else self._guards.criteria(entry.key)
            self._consists[made.commit] = Consist(
                (*front.members, member), front.brought.union(own)
            )
        return Car(entry, made.commit, made.tree, base)

    def consist(self, commit: str) -> Consist:
        """What the candidate ``commit`` brings to the target."""
        return self._consists[commit]

    def promises(self, commit: str) -> bool:
        """Whether the candidate ``commit`` calls itself verified."""
        return self._consists[commit].members[-1].promises

    def candidates(self) -> Iterator[Candidate]:
        """All that this look had a use for."""
        for made in self.used.values():
            if isinstance(made.result, Candidate):
                yield made.result

    def guards(self, consist: Consist) -> tuple[Guard, ...]:
        """What a candidate that brings ``consist`` is held to."""
        return self._guards.of(consist.plans, consist.brought, consist.taken_back)

    def _names(self, front: Consist, entry: Entry, record: TaskRecord) -> tuple[str, ...]:
        """The checks that a candidate is held to, as its message names them."""
        reverts = record.state is TaskState.MERGED
        guards = self._guards.of(
            {*front.plans, entry.key[0]},
            front.brought.union(() if reverts else self._guards.criteria(entry.key)),
            (*front.taken_back, entry.key) if reverts else front.taken_back,
        )
        return tuple(dict.fromkeys(name for guard in guards for name in guard.checks))

    async def _coupled(self, base: str, record: TaskRecord, names: tuple[str, ...]) -> Made:
        git = self._site.git
        reverts = record.state is TaskState.MERGED
        if reverts:
            merged = await git.reverting.merge(
                base, landed=record.merged_commit, before=record.intent_base
            )
        else:
            merged = await git.candidates.merge(base, record.head)
        if isinstance(merged, Conflict):
            return Made(merged)
        if await self._is_there(merged, record):
            return Made(Candidate(base, merged.tree, base, merged.head))
        built = await (self._undoing if reverts else self._bringing)(merged, record, names)
        crash_point("candidate.built")
        return Made(built, promises=self._mode is not QueueMode.TIP)

    async def _is_there(self, merged: Merge, record: TaskRecord) -> bool:
        """Whether what it stands on holds the work already: only then can merging change nothing."""
        git = self._site.git
        if merged.tree != await git.objects.tree_of(merged.target):
            return False
        if record.state is TaskState.MERGED:
            return True
        return await git.history.is_ancestor(merged.head, merged.target)

    async def _bringing(
        self, merged: Merge, record: TaskRecord, checks: Sequence[str]
    ) -> Candidate:
        """The merge as a commit whose message names what it is verified for, and which tree."""
        plan = self._plans[record.plan]
        message = merge_message(
            plan.plan.task(record.id).title,
            "",
            task=record.id,
            plan=record.plan,
            sandbox=plan.record.sandbox,
            red=await self._red(record),
            flaky=self._flaky(record),
            **self._promises(merged, checks),
        )
        return await self._site.git.strategies.build(
            merged,
            plan.plan.strategy,
            message=message,
            author=self._site.records.repository.identity,
            date=int(record.verified_at),
        )

    async def _undoing(self, merged: Merge, record: TaskRecord, checks: Sequence[str]) -> Candidate:
        """What takes a landing back, as a commit on the target."""
        plan = self._plans[record.plan]
        message = revert_message(
            plan.plan.task(record.id).title,
            landed=record.merged_commit,
            task=record.id,
            plan=record.plan,
            sandbox=plan.record.sandbox,
            **self._promises(merged, checks),
        )
        made = await self._site.git.candidates.commit_tree(
            merged.tree,
            (merged.target,),
            message=message,
            author=self._site.records.repository.identity,
            date=int(record.changed_at),
        )
        undoes = (record.merged_commit, record.intent_base)
        return Candidate(made, merged.tree, merged.target, merged.head, undoes=undoes)

    def _promises(self, merged: Merge, checks: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """What may be said of a commit before it is verified, since else it does not land.

        In tip mode it may land below another one that was verified, and promises no more.
        """
        told = [(check, merged.tree) for check in checks]
        return {"guarded" if self._mode is QueueMode.TIP else "verified": told}

    def _flaky(self, record: TaskRecord) -> list[tuple[str, str]]:
        """The checks that were flaky on the branch as it lands, and on which tree."""
        last = self._site.records.store.last_verification(record.plan, record.id, BRANCH)
        if last is None or last.commit != record.head:
            return []
        return [(r.check, last.tree) for r in results_from(last) if r.verdict is Verdict.FLAKY]

    async def _red(self, record: TaskRecord) -> list[tuple[str, str]]:
        """The checks in which the task's tests were seen red, and on which tree."""
        red = [r.check for r in self._site.records.red_results(record) if r.is_red]
        tree = await self._site.git.objects.tree_of(record.tests_head) if red else ""
        return [(check, tree) for check in red]

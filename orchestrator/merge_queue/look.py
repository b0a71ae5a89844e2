"""One look at the queue of a target: who is in line, on what, and how the queue works now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.merge_queue.coupling import head_of
from orchestrator.merge_queue.course import course_of, outcomes
from orchestrator.merge_queue.train import Entry, failure_rate, reach, resolved_mode
from orchestrator.scheduling.decision import ahead_of
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.jobs.target_ground import TargetGround
    from orchestrator.merge_queue.course import QueueCourse
    from orchestrator.merge_queue.train import Course
    from orchestrator.records import TaskRecord
    from orchestrator.scheduling.decision import InLine, PlanSnapshot, Snapshot
    from orchestrator.site import Site


@dataclass(frozen=True)
class QueueLook:
    """``commit`` is where the target is, ``plans`` are all under way on it, by name.

    ``line`` are those in line, in the order in which they land, as far as they matter now.
    """

    target: str
    commit: str
    line: tuple[InLine, ...]
    plans: Mapping[str, PlanSnapshot]
    course: QueueCourse
    failure_rate: float
    outcomes: tuple[int, int]

    @classmethod
    def at(
        cls, snapshot: Snapshot, line: tuple[InLine, ...], target: str, commit: str, site: Site
    ) -> QueueLook:
        plans = {p.plan.name: p for p in snapshot.plans if p.record.target == target}
        own = [plans[name].plan for name in {record.plan for _, record in line}]
        course = course_of(own, site.records.settings.verify_slots)
        tasks = [task for plan in plans.values() for task in plan.tasks.values()]
        known = outcomes(tasks)
        rate = failure_rate(*known)
        return cls(target, commit, line[: reach(course.slots)], plans, course, rate, known)

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        return tuple(record for _, record in self.line)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(
            Entry((r.plan, r.id), head_of(r), ahead_of(r, self.plans)) for r in self.records
        )

    @cached_property
    def resolved(self) -> Course:
        """What the mode asked for comes to for so many."""
        return resolved_mode(self.course.mode, len(self.line), self.course.slots, self.failure_rate)

    def without(self, record: TaskRecord) -> QueueLook:
        return replace(self, line=tuple(one for one in self.line if one[1] is not record))


class Ground:
    """Remembers which bases the target holds, for as long as only landings move it."""

    def __init__(self, ground: TargetGround) -> None:
        self._ground = ground
        self._commit = ""
        self._bases: set[str] = set()

    async def unfit(self, record: TaskRecord, commit: str) -> str:
        """Why a target that was set back must not take a task in; empty when it may."""
        if commit != self._commit:
            self._commit, self._bases = commit, set()
        if record.base in self._bases or record.state is TaskState.MERGED:
            return ""
        reason = await self._ground.set_back(record, commit)
        if not reason:
            self._bases.add(record.base)
        return reason

    def moved(self, old: str, new: str) -> None:
        """A landing moved the target, which holds all that it held."""
        if old == self._commit:
            self._commit = new

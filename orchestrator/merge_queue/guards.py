"""What must not break: the checks that a merged result is held to, over all plans of a target.

Wider than the criteria of what is merged: whatever was green on the target when a plan started, and
whatever a landed task was held to, guards it from then on. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.scheduling.footing import has_landed
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from orchestrator.results import CheckResult
    from orchestrator.scheduling.decision import PlanSnapshot, TaskKey

_GREEN = frozenset({Verdict.PASSED, Verdict.FLAKY})
"""What was green on the target, if only when it was tried again, must not get worse."""

Criterion = tuple[str, str]
"""A plan and one of its checks."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The checks of one plan that must pass, in the plan's order."""

    plan: PlanSnapshot
    checks: tuple[str, ...]


class Guards:
    """What guards a target, for one look at its plans; ``baseline`` tells what was green, by plan."""

    def __init__(
        self, plans: Iterable[PlanSnapshot], baseline: Callable[[str], Iterable[CheckResult]]
    ) -> None:
        self._plans = {plan.plan.name: plan for plan in plans}
        self._baseline = baseline
        self._standing = {name: self._of_target(plan, ()) for name, plan in self._plans.items()}

    def criteria(self, key: TaskKey) -> frozenset[Criterion]:
        """What the work of one task is held to wherever it is."""
        plan, task = key
        return frozenset((plan, check) for check in self._plans[plan].plan.task(task).done_when)

    def of(
        self,
        own: Collection[str],
        brought: Collection[Criterion],
        taken_back: Collection[TaskKey] = (),
    ) -> tuple[Guard, ...]:
        """What a result is held to that brings work with criteria and takes tasks back.

        ``own`` are the plans of both, which come first; of others only those under way guard.
        """
        found = []
        for name in sorted(self._plans, key=lambda name: name not in own):
            plan = self._plans[name]
            if name not in own and plan.record.settled_at:
                continue
            standing = self._of_target(plan, taken_back) if taken_back else self._standing[name]
            checks = tuple(
                check for check in plan.plan.checks if check in standing or (name, check) in brought
            )
            if checks:
                found.append(Guard(plan, checks))
        return tuple(found)

    def _of_target(self, plan: PlanSnapshot, taken_back: Collection[TaskKey]) -> frozenset[str]:
        """The checks that guard the target as it is, but for what is taken back from it."""
        name, tasks = plan.plan.name, plan.plan.tasks
        criteria = {check for task in tasks for check in task.done_when}
        green = {r.check for r in self._baseline(name) if r.verdict in _GREEN} & criteria
        landed = [
            task
            for task in tasks
            if task.id in plan.tasks
            and has_landed(plan.tasks[task.id])
            and (name, task.id) not in taken_back
        ]
        return frozenset(green.union(*(task.done_when for task in landed)))

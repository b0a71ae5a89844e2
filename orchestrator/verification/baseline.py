"""What the target's own tree tells of a plan before any agent starts: a pure function.

Criteria that are green already prove nothing of the work; a check that cannot run blames nobody
later. A red criterion is no fault, since it may be just what a task is to mend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.states import Verdict
from orchestrator.tests_first.rules import awaits_tests

if TYPE_CHECKING:
    from orchestrator.plan.model import Plan
    from orchestrator.results import CheckResult, Verification


@dataclass(frozen=True, slots=True)
class Baseline:
    """Names of checks that are ``red`` or ``flaky``, and of tasks whose criteria are ``done``.

    What a task writes its tests for is not known before they are written.
    """

    red: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    done: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan, verification: Verification) -> Baseline:
        """What a verification of the target by every criterion tells."""
        results = {result.check: result for result in verification.results}
        return cls(
            red=tuple(name for name, r in results.items() if not (r.ok or r.skipped)),
            flaky=tuple(name for name, r in results.items() if r.verdict is Verdict.FLAKY),
            done=tuple(
                task.id
                for task in plan.tasks
                if all(_is_green(results.get(name)) for name in task.done_when)
                and not awaits_tests(plan, task)
            ),
        )

    def sentence(self, target: str) -> str:
        """All of it."""
        failing = f"{target} does not pass yet: {', '.join(self.red)}"
        parts = [failing if self.red else f"{target} passes every criterion"]
        if self.flaky:
            parts.append(f"flaky: {', '.join(self.flaky)}")
        if self.done:
            parts.append(f"criteria green before any work: {', '.join(self.done)}")
        return "; ".join(parts)


def _is_green(result: CheckResult | None) -> bool:
    return result is not None and result.ok

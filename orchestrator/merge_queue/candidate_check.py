"""Verifying one candidate as that very commit, and whose fault it is where that comes out red.

A candidate is proven when every guard passed on its tree, and every locked test of each of its
tasks was seen to. A red one is its task's fault only where the target alone passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.jobs.tampering import watched
from orchestrator.jobs.verification import keep_verification
from orchestrator.merge_queue.landing_outcomes import Held, Inconclusive, Red
from orchestrator.merge_queue.train import Standing
from orchestrator.site import CANDIDATE
from orchestrator.tests_first.rules import all_wanted, asked_of, unproven

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.merge_queue.coupling import Member
    from orchestrator.merge_queue.guards import Guard
    from orchestrator.results import CheckResult, Verification
    from orchestrator.scheduling.decision import PlanSnapshot
    from orchestrator.site import Site


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a candidate.

    ``failed`` is the first guard that did not pass and its verification, ``hidden`` are locked
    tests that were not seen to pass; neither: it is proven.
    """

    failed: tuple[Guard, Verification] | None = None
    hidden: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def standing(self) -> Standing:
        if self.failed is None:
            return Standing.RED if self.hidden else Standing.PASSED
        _, verification = self.failed
        return Standing.RED if _reds(verification) else Standing.UNKNOWN

    @property
    def inconclusive(self) -> str:
        """Why nobody can say, and nobody is to blame; empty where somebody can."""
        if self.failed is None or self.standing is Standing.RED:
            return ""
        return why(self.failed[1].failed_checks())


class CandidateCheck:
    """Verifies candidates of one target."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def of(self, members: Sequence[Member], guards: Iterable[Guard]) -> Checked:
        """Verify the candidate of the last of ``members``, which holds them all."""
        last = members[-1]
        seconds = 0.0
        async with watched(self._site, *last.entry.key, "landing"):
            for guard in guards:
                verification = await self._verified(members, guard)
                seconds += verification.seconds
                if not verification.passed:
                    return Checked((guard, verification), seconds=seconds)
                if hidden := self._unproven(members, verification, guard.plan):
                    return Checked(hidden=hidden, seconds=seconds)
        return Checked(seconds=seconds)

    async def _verified(self, members: Sequence[Member], guard: Guard) -> Verification:
        last = members[-1]
        built, record = last.candidate, self._site.ledger.task(*last.entry.key)
        request = self._site.request(
            guard.plan, guard.checks, built.commit, built.tree, record, fail_fast=True
        )
        wanted = all_wanted(self._site.records.red_results(member.record) for member in members)
        verification = await self._site.verifier.verify(replace(request, wanted_tests=wanted))
        keep_verification(
            self._site,
            guard.plan.plan,
            self._site.ledger.task(*last.entry.key),
            verification,
            purpose=CANDIDATE,
            commit=built.commit,
        )
        return verification

    def _unproven(
        self, members: Sequence[Member], green: Verification, guard: PlanSnapshot
    ) -> tuple[str, ...]:
        """Locked tests that the result was not seen to pass, by the plan of their own task."""
        hidden: list[str] = []
        for member in members:
            plan, task = member.entry.key
            planned = guard.plan.task(task) if guard.plan.name == plan else None
            asked = planned and asked_of(guard.plan, planned)
            if asked and not member.reverts:
                red = self._site.records.red_results(member.record)
                hidden += unproven(red, green.results, checks=asked.checks)
        return tuple(hidden)

    async def blame(self, member: Member, checked: Checked) -> Red | Held | Inconclusive:
        """Whose fault a red candidate is that was built on the target itself."""
        if checked.failed is None:
            return Held(f"locked tests do not pass once merged: {', '.join(checked.hidden[:3])}")
        guard, red = checked.failed
        names = tuple(result.check for result in _reds(red))
        base = await self._of_base(member, guard.plan, names)
        known = {result.check: result for result in base.results}
        if any(known[name].ok for name in names if name in known):
            return Red(member.candidate.target, red)
        if any(known[name].is_red for name in names if name in known):
            target = guard.plan.record.target
            return Held(f"{target} itself fails {', '.join(names)}; mend it, or give it a task")
        return Inconclusive(why(base.failed_checks()))

    async def _of_base(
        self, member: Member, guard: PlanSnapshot, names: tuple[str, ...]
    ) -> Verification:
        target, record = member.candidate.target, self._site.ledger.task(*member.entry.key)
        tree = await self._site.git.objects.tree_of(target)
        return await self._site.verifier.verify(
            self._site.request(guard, names, target, tree, record)
        )


def why(results: Iterable[CheckResult]) -> str:
    """What kept checks from giving a verdict, in a line."""
    told = [f"{r.check}: {r.reason or r.verdict}" for r in results if not r.skipped]
    return "; ".join(told) or "no check gave a verdict"


def _reds(verification: Verification) -> tuple[CheckResult, ...]:
    return tuple(result for result in verification.failed_checks() if result.is_red)

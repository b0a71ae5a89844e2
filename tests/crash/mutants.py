"""Engines with one step in the wrong order, which the matrix must catch.

Each is applied in a forked command only. What no point of the matrix catches would be a hole in
the matrix, not in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _database_first() -> None:
    """The landing is on record before the target moves."""
    from orchestrator.crash_points import crash_point  # noqa: PLC0415 - in the forked command
    from orchestrator.git.landing import Landing  # noqa: PLC0415
    from orchestrator.landing_job import LandingJob  # noqa: PLC0415

    land, conclude, build = Landing.land, LandingJob._conclude, LandingJob._intend
    jobs: list[LandingJob] = []

    def intend(self, plan, task, candidate):
        build(self, plan, task, candidate)
        jobs[:] = [self]

    async def early(self, target_ref, candidate, old, **more):
        (site,) = (job._site for job in jobs)
        record = next(
            t
            for plan in site.records.store.plans()
            for t in site.records.store.tasks(plan.name)
            if t.intent == candidate.commit
        )
        site.ledger.land(record, candidate.commit, old, "")
        crash_point("landing.before-cas")
        await land(self, target_ref, candidate, old, **more)

    async def concluded(self, plan, task, outcome):
        record = self._site.ledger.task(plan, task)
        if record.merged_commit:
            await self.tidy(record)
        else:
            await conclude(self, plan, task, outcome)

    LandingJob._intend, LandingJob._conclude, Landing.land = intend, concluded, early


def _no_reconciling() -> None:
    """A landing that was under way is taken for one that never was, and the target is not asked."""
    from orchestrator import recovery  # noqa: PLC0415
    from orchestrator.merge_queue import MergeQueue  # noqa: PLC0415

    async def forget(site, task):
        site.ledger.move(task, recovery.TaskState.VERIFIED, reason="forgotten")

    async def never(self, merged):
        return False

    recovery._decide_landing, MergeQueue._is_there = forget, never


def _no_keep_ref() -> None:
    """Heads hang on their branches alone."""
    from orchestrator import recovery, session_job  # noqa: PLC0415

    async def nothing(site, task, head):
        pass

    recovery.keep_head = session_job.keep_head = nothing


def _no_cleaning() -> None:
    """What is half-made stays half-made."""
    from orchestrator.git import opening  # noqa: PLC0415

    async def nothing(common_dir, linked):
        return ()

    opening.repair = nothing


MUTANTS: Mapping[str, Callable[[], None]] = {
    "database first": _database_first,
    "no reconciling": _no_reconciling,
    "no keep ref": _no_keep_ref,
    "no cleaning": _no_cleaning,
}

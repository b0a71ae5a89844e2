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
    from orchestrator import landing_job, recovery  # noqa: PLC0415
    from orchestrator.merge_queue import MergeQueue  # noqa: PLC0415

    async def never(*_):
        return False

    recovery.finish_landing = landing_job.finish_landing = MergeQueue._is_there = never


def _no_keep_ref() -> None:
    """Heads hang on their branches alone."""
    from orchestrator import recovery, session_job  # noqa: PLC0415

    async def nothing(*_):
        pass

    recovery.keep_head = session_job.keep_head = nothing


def _no_tidying() -> None:
    """What a landed task needs no more is the engine's that landed it, and of no later one."""
    from orchestrator import recovery  # noqa: PLC0415

    async def nothing(*_):
        pass

    recovery._tidy = nothing


MUTANTS: Mapping[str, Callable[[], None]] = {
    "database first": _database_first,
    "no reconciling": _no_reconciling,
    "no keep ref": _no_keep_ref,
    "no tidying": _no_tidying,
}


def _later_schema() -> None:
    """No mutant: this program, one migration later."""
    from orchestrator.store import schema  # noqa: PLC0415

    schema.MIGRATIONS = (
        *schema.MIGRATIONS,
        lambda connection: connection.exec_driver_sql("CREATE TABLE later (id INTEGER)"),
    )


LATER_SCHEMA = "later schema"
ALTERED: Mapping[str, Callable[[], None]] = {**MUTANTS, LATER_SCHEMA: _later_schema}
"""All that a forked command can be made into."""

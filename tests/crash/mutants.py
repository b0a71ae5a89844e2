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
    from orchestrator import engine, landing_job, recovery, submission  # noqa: PLC0415
    from orchestrator.merge_queue import MergeQueue  # noqa: PLC0415

    async def never(*_):
        return False

    engine.catch_up = submission.catch_up = never
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


def _no_intent() -> None:
    """The target moves to a candidate that is not on record."""
    from orchestrator.landing_job import LandingJob  # noqa: PLC0415

    intend = LandingJob._intend

    def forget(self, plan, task, candidate):
        intend(self, plan, task, candidate)
        self._site.ledger.amend(self._site.ledger.task(plan, task), intent="", intent_base="")

    LandingJob._intend = forget
    _no_reconciling()


def _left_abroad() -> None:
    """What a dead session committed in its private view is not fetched."""
    from orchestrator import recovery  # noqa: PLC0415
    from orchestrator.homecoming import Brought  # noqa: PLC0415

    async def nothing(site, record, tree):
        site.git.views.forget(site.enclosures.view_of(f"{record.plan}/{record.id}"))
        return Brought()

    recovery.bring_home = nothing


def _restless() -> None:
    """Mending finds something to do each time."""
    from orchestrator import engine  # noqa: PLC0415
    from orchestrator.events import EventKind  # noqa: PLC0415

    recover = engine.recover

    async def again(site):
        await recover(site)
        site.ledger.tell(EventKind.WARNING, "mended once more")

    engine.recover = again


MUTANTS: Mapping[str, Callable[[], None]] = {
    "database first": _database_first,
    "no reconciling": _no_reconciling,
    "no keep ref": _no_keep_ref,
    "no tidying": _no_tidying,
    "no intent": _no_intent,
    "left abroad": _left_abroad,
    "restless": _restless,
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

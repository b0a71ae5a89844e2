"""Engines with one step in the wrong order, which the matrix must catch.

Each is applied in a forked command only. What no point of the matrix catches would be a hole in
the matrix, not in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _database_first() -> None:
    """The landing is on record before the target moves."""
    from orchestrator.crash_points import crash_point  # noqa: PLC0415 - in the forked command
    from orchestrator.merge_queue.touchdown import Touchdown  # noqa: PLC0415

    move, record = Touchdown._move, Touchdown._record

    async def early(self, old, new, members):
        for member in members:
            record(self, member, ())
        crash_point("landing.before-cas")
        await move(self, old, new, members)

    Touchdown._move, Touchdown._record = early, lambda *_: None


def _no_reconciling() -> None:
    """A landing that was under way is taken for one that never was, and the target is not asked."""
    from orchestrator import engine  # noqa: PLC0415
    from orchestrator.jobs import recovery  # noqa: PLC0415
    from orchestrator.merge_queue import queue  # noqa: PLC0415
    from orchestrator.merge_queue.coupling import Coupler  # noqa: PLC0415
    from orchestrator.orders import submission  # noqa: PLC0415

    async def never(*_):
        return False

    engine.catch_up = submission.catch_up = never
    recovery.finish_landing = queue.finish_landing = Coupler._is_there = never


def _no_keep_ref() -> None:
    """Heads hang on their branches alone."""
    from orchestrator.jobs import recovery, session  # noqa: PLC0415

    async def nothing(*_):
        pass

    recovery.keep_head = session.keep_head = nothing


def _no_tidying() -> None:
    """What a landed task needs no more is the engine's that landed it, and of no later one."""
    from orchestrator.jobs import recovery  # noqa: PLC0415

    async def nothing(*_):
        pass

    recovery._tidy = nothing


def _no_intent() -> None:
    """The target moves to a candidate that is not on record."""
    from orchestrator.merge_queue.consequences import Consequences  # noqa: PLC0415

    intend = Consequences.intend

    def forget(self, record, candidate):
        intend(self, record, candidate)
        now = self._site.ledger.task(record.plan, record.id)
        self._site.ledger.amend(now, intent="", intent_base="")

    Consequences.intend = forget
    _no_reconciling()


def _left_abroad() -> None:
    """What a dead session committed in its private view is not fetched."""
    from orchestrator.borders.homecoming import Brought  # noqa: PLC0415
    from orchestrator.jobs import recovery  # noqa: PLC0415

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

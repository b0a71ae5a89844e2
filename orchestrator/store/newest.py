"""The newest verification of each task for each purpose, in memory: who decides asks for it often.

Read for a whole plan at once when one of its tasks is first asked about, and kept up by what
transactions have committed, as mirrors are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from orchestrator.store.tables import VERIFICATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.records import VerificationRecord
    from orchestrator.store.database import Database

_ROW = VERIFICATIONS.table.c
_NEWEST = (
    select(func.max(_ROW.id))
    .where(_ROW.plan == bindparam("plan"))
    .group_by(_ROW.task, _ROW.purpose)
)
_OF_PLAN = VERIFICATIONS.select.where(_ROW.id.in_(_NEWEST)).order_by(_ROW.id)

_ByPurpose = dict[str, "VerificationRecord"]


class NewestVerifications:
    """Those of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plans: dict[str, dict[str, _ByPurpose]] = {}

    def of(self, plan: str, task: str) -> _ByPurpose:
        """The newest verification of a task by its purpose, the newest of all last."""
        if plan not in self._plans:
            self._plans[plan] = {}
            for row in self._database.rows(_OF_PLAN, {"plan": plan}):
                self._hold(VERIFICATIONS.converter.to_record(row))
        return self._plans[plan].get(task, {})

    def apply(
        self, added: Iterable[VerificationRecord], forgotten: Iterable[tuple[str, str]]
    ) -> None:
        """Take over what was committed; a task is forgotten before anything new is known of it."""
        for plan, task in forgotten:
            self._plans.get(plan, {}).pop(task, None)
        for record in added:
            if record.plan in self._plans:
                self._hold(record)

    def clear(self) -> None:
        """Read anew when asked again."""
        self._plans.clear()

    def _hold(self, record: VerificationRecord) -> None:
        purposes = self._plans[record.plan].setdefault(record.task, {})
        purposes.pop(record.purpose, None)
        purposes[record.purpose] = record

"""What people order of the line to land: take a landing back, stop all landing, let it go on.

As with other orders, each says what it applied to, and a refused one changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.api.models import ActionView, Refusal
from orchestrator.events import EventKind
from orchestrator.states import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.records import TaskRecord
    from orchestrator.site import Site


class QueueOrders:
    """Carries out orders on the queues of one engine; ``wake`` has it decide again."""

    def __init__(self, site: Site, wake: Callable[[], None]) -> None:
        self._site = site
        self._wake = wake

    def revert(self, plan: str, task: str, *, update_checkout: bool = False) -> ActionView:
        """Take a landed task back: verified as any landing is, before the target moves."""
        record = self._site.records.book.task_record(plan, task)
        if reason := self._unrevertible(record):
            return ActionView(refused=(Refusal(task=task, reason=reason),))
        ledger = self._site.ledger
        facts: dict[str, Any] = {"revert_requested": True, "revert_intent": "", "held": ""}
        ledger.amend(record, changed_at=ledger.clock(), retry_at=0.0, **facts)
        ledger.tell(EventKind.TASK_NOTED, "ordered to be taken back", plan=plan, task=task)
        leave: dict[str, Any] = {"update_checkout": True} if update_checkout else {}
        ledger.change_plan(plan, EventKind.PLAN_RESUMED, settled_at=0.0, **leave)
        self._wake()
        return ActionView(done=(task,))

    def hold_landing(self, plan: str, *, paused: bool) -> ActionView:
        """Land nothing of a plan for now, or go on; sessions and their verification go on."""
        self._site.records.book.record(plan)
        kind = EventKind.PLAN_PAUSED if paused else EventKind.PLAN_RESUMED
        told = "nothing of it lands for now" if paused else "it lands again"
        self._site.ledger.change_plan(plan, kind, told, landing_paused=paused, settled_at=0.0)
        self._wake()
        return ActionView(done=(plan,))

    def _unrevertible(self, record: TaskRecord) -> str:
        if record.state is not TaskState.MERGED:
            state = record.state.replace("_", " ")
            return f"it is {state}; only what has landed can be taken back"
        if record.reverted_commit:
            return f"it was taken back already, with {record.reverted_commit[:9]}"
        if not record.intent_base or record.merged_commit == record.intent_base:
            return (
                "it was on the target without the engine's doing, which does not know what came "
                "with it; revert it by hand"
            )
        return ""

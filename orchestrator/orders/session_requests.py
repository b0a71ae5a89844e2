"""What a session may ask of the engine: its own task, told; a check; a question; a note.

Nothing here moves a task: a question goes to the session's own hearing and becomes its outcome,
as if the agent had asked it in its output. A guest names neither plan nor task, its token did.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from orchestrator import feedback
from orchestrator.agents.protocol import Asked
from orchestrator.api.check_views import StandingView
from orchestrator.api.models import ActionView
from orchestrator.api.session_views import SessionView
from orchestrator.errors import CannotRun
from orchestrator.events import EventKind
from orchestrator.jobs.asked_check import Ask
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from orchestrator.api.check_views import CheckRequest
    from orchestrator.api.lines import Telling
    from orchestrator.api.models import BriefView
    from orchestrator.api.reader import Reader
    from orchestrator.jobs.asked_check import AskedChecks
    from orchestrator.orders.check_desk import CheckDesk
    from orchestrator.sessions.doorkeeper import Guest
    from orchestrator.site import Site

NOTES_PER_SESSION = 20
CHECKS_PER_MINUTE = 30
_SHOWN = 120


class SessionRequests:
    """Serves the guests of one engine (``api.session_app.SessionDoor``)."""

    def __init__(self, site: Site, reader: Reader, checks: AskedChecks, desk: CheckDesk) -> None:
        self._site = site
        self._reader = reader
        self._checks = checks
        self._desk = desk
        self._strangers = 0

    def guest(self, token: str) -> Guest | None:
        return self._site.doorkeeper.guest(token)

    def standing(self, guest: Guest) -> SessionView:
        """Where the guest's own task stands, and what it may still use."""
        records = self._site.records
        record = self._site.ledger.task(guest.plan, guest.task)
        task = records.book.task(guest.plan, guest.task)
        budget = records.book.plan(guest.plan).budget_of(task)
        tokens, cost = feedback.left_over(record, budget)
        used = records.activity.of(guest.plan, guest.task).usage
        return SessionView(
            plan=guest.plan,
            task=guest.task,
            title=task.title,
            state=record.state,
            session=guest.attempt,
            attempts_left=feedback.attempts_left(record, budget),
            tokens_used=used.tokens,
            tokens_left=None if tokens is None else max(0, tokens - used.tokens),
            cost_usd=used.cost_usd,
            cost_usd_left=None if cost is None else max(0.0, cost - used.cost_usd),
            notes_left=NOTES_PER_SESSION - guest.notes,
            digest=self._last_digest(guest),
        )

    async def brief(self, guest: Guest) -> BriefView:
        return await self._reader.brief(guest.plan, guest.task)

    async def check(self, guest: Guest, request: CheckRequest) -> Telling:
        """Verify the guest's work as it stands, while it waits."""
        now = self._site.ledger.clock()
        guest.asks[:] = [at for at in guest.asks if at > now - 60] + [now]
        if len(guest.asks) > CHECKS_PER_MINUTE:
            raise CannotRun(f"a session may ask {CHECKS_PER_MINUTE} times a minute; wait a little")
        ask = Ask(
            guest.plan,
            guest.task,
            self._checks.wanted(guest.plan, guest.task, request.checks),
            everything=request.everything,
            use_cache=request.use_cache,
        )
        with guest.pulse.held():
            run = await self._desk.open(ask, guest)
        return partial(
            self._desk.follow,
            run,
            patience_seconds=request.patience_seconds,
            standing=partial(self._used, guest),
        )

    def _used(self, guest: Guest) -> StandingView:
        """What the session has used of its budget by now."""
        told, records = self.standing(guest), self._site.records
        began = records.activity.of(guest.plan, guest.task).session_started_at
        used = round(max(0.0, self._site.ledger.clock() - began), 1)
        wall = (
            records.book.plan(guest.plan).budget_of(records.book.task(guest.plan, guest.task)).wall
        )
        return StandingView(
            seconds_used=used,
            seconds_left=max(0.0, wall - used),
            tokens_used=told.tokens_used,
            tokens_left=told.tokens_left,
            cost_usd=told.cost_usd,
            cost_usd_left=told.cost_usd_left,
        )

    def ask(self, guest: Guest, question: str) -> ActionView:
        """End the session with a question to the person."""
        if not guest.letterbox.put(Asked(question)):
            raise CannotRun("this session has ended; nobody is left to ask for")
        return ActionView(done=(guest.task,))

    def note(self, guest: Guest, text: str) -> ActionView:
        """Put a note on record; it changes nothing."""
        if guest.notes >= NOTES_PER_SESSION:
            raise CannotRun(f"a session may leave {NOTES_PER_SESSION} notes; there are as many")
        guest.notes += 1
        self._tell(EventKind.SESSION_NOTED, text, guest)
        return ActionView(done=(guest.task,))

    def refused(self, guest: Guest | None, request: str) -> None:
        """Warn of a request that no session may make: once for each, once for all strangers."""
        shown = safe_text(request, one_line=True, limit=_SHOWN)
        if guest is None:
            self._strangers += 1
            if self._strangers == 1:
                told = f"somebody without a token that is in force asked for {shown}; refused"
                self._site.ledger.tell(EventKind.WARNING, told)
        elif not guest.warned:
            guest.warned = True
            told = f"session {guest.attempt} asked for {shown}, which is not its own; refused"
            self._tell(EventKind.WARNING, told, guest)

    def _tell(self, kind: EventKind, message: str, guest: Guest) -> None:
        self._site.ledger.tell(
            kind, message, plan=guest.plan, task=guest.task, attempt=guest.attempt
        )

    def _last_digest(self, guest: Guest) -> str:
        for past in reversed(self._site.records.store.verifications(guest.plan, guest.task)):
            if past.digest:
                return past.digest
        return ""

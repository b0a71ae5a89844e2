"""What travels between the engine and a session: its own task, and what it may ask and note."""

from __future__ import annotations

from pydantic import Field

from orchestrator.api.models import View
from orchestrator.states import TaskState


class SessionView(View):
    """A session's own task; ``digest`` is of its newest failed verification, None is no limit."""

    plan: str
    task: str
    title: str
    state: TaskState
    session: int
    attempts_left: int
    tokens_used: int
    tokens_left: int | None
    cost_usd: float
    cost_usd_left: float | None
    notes_left: int
    digest: str


class AskRequest(View):
    """A question to the person; it ends the session that asks."""

    text: str = Field(min_length=1, max_length=4000)


class NoteRequest(View):
    """A note for the record."""

    text: str = Field(min_length=1, max_length=2000)

"""The sessions' door, as HTTP: what an agent may ask about its own task, and nothing else.

No path names a plan or a task: the token says which (``gate.SessionGate``). Whatever is not a
route here is refused to a session, also what does not exist.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from orchestrator import __version__
from orchestrator.api.check_views import CheckRequest
from orchestrator.api.gate import GuestList, guest_of
from orchestrator.api.lines import IN_LINES, Lines, Telling
from orchestrator.api.models import ActionView, BriefView
from orchestrator.api.problems import DECLARED, tell_problems
from orchestrator.api.session_views import AskRequest, NoteRequest, SessionView
from orchestrator.sessions.doorkeeper import Guest


class SessionDoor(GuestList, Protocol):
    """What the engine lets a session do."""

    def standing(self, guest: Guest) -> SessionView: ...
    async def brief(self, guest: Guest) -> BriefView: ...
    async def check(self, guest: Guest, request: CheckRequest) -> Telling: ...
    def ask(self, guest: Guest, question: str) -> ActionView: ...
    def note(self, guest: Guest, text: str) -> ActionView: ...


def _guest(request: Request) -> Guest:
    return guest_of(request.scope)


_Guest = Annotated[Guest, Depends(_guest)]


def create_session_app(door: SessionDoor) -> FastAPI:
    """The application that serves ``door``, without the gate before it."""
    app = FastAPI(
        title="Clerk of Works, for sessions",
        version=__version__,
        responses=DECLARED,
        dependencies=[Depends(HTTPBearer(auto_error=False))],
        openapi_url=None,
    )
    tell_problems(app)

    @app.get("/v1/session")
    async def standing(guest: _Guest) -> SessionView:
        return door.standing(guest)

    @app.get("/v1/session/brief")
    async def brief(guest: _Guest) -> BriefView:
        return await door.brief(guest)

    @app.post("/v1/session/check", responses=IN_LINES)
    async def check(guest: _Guest, request: CheckRequest) -> Lines:
        return Lines(await door.check(guest, request))

    @app.post("/v1/session/ask")
    async def ask(guest: _Guest, request: AskRequest) -> ActionView:
        return door.ask(guest, request.text)

    @app.post("/v1/session/note")
    async def note(guest: _Guest, request: NoteRequest) -> ActionView:
        return door.note(guest, request.text)

    return app


def routes_of(app: FastAPI) -> frozenset[tuple[str, str]]:
    """Method and path of everything that ``app`` serves."""
    served = [route for route in app.routes if isinstance(route, APIRoute)]
    return frozenset((method, route.path) for route in served for method in route.methods or ())

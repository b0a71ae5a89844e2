"""Asking the engine: one asynchronous client for all.

The client knows paths and models, nothing else. Errors come back as the ones the engine
raised; no answer at all is ``EngineUnreachable``. ``EngineClient`` serves the dashboard and
streams; the command line drives it through ``anyio.run``.
"""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from pydantic import ValidationError

from orchestrator.api.changes import ChangesView
from orchestrator.api.check_views import CheckLine, CheckRequest, OwnerCheckRequest
from orchestrator.api.conflict_views import ConflictsView
from orchestrator.api.log_views import LogFound, LogPage, LogPlace, LogSearch
from orchestrator.api.models import (
    ActionView,
    BriefView,
    DiffView,
    EventView,
    LogChunk,
    PlanView,
    Problem,
    StatusView,
    SubmitPlan,
    TaskDetail,
    TaskSelection,
    View,
)
from orchestrator.api.order_requests import (
    AnswerRequest,
    LandingRequest,
    RankRequest,
    RetryRequest,
    RevertRequest,
    WithdrawRequest,
)
from orchestrator.api.session_views import AskRequest, NoteRequest, SessionView
from orchestrator.api.timing_views import TimingView
from orchestrator.errors import ClerkError, EngineUnreachable, ExitCode, PlanError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SILENCE_SECONDS = 150.0
"""A snapshot may take two minutes; afterwards the engine gives a sign of life now and then."""

V = TypeVar("V", bound=View)


class _Client:
    """A connection to one engine. Use as an asynchronous context manager."""

    def __init__(self, transport: httpx.AsyncBaseTransport, token: str = "") -> None:
        self._http = httpx.AsyncClient(
            transport=transport,
            base_url="http://clerk",
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(30.0, read=600.0),
            trust_env=False,
        )

    @classmethod
    def on_socket(cls, socket: Path, token: str = "") -> Self:
        """A client of the engine that listens on ``socket``."""
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # else a bundle of certificates is read
        return cls(httpx.AsyncHTTPTransport(uds=str(socket), verify=no_tls), token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        model: type[V],
        *,
        query: dict[str, Any] | None = None,
        body: View | None = None,
    ) -> V:
        try:
            response = await self._http.request(
                method, path, params=query, json=body and body.model_dump(mode="json")
            )
        except httpx.TransportError as error:
            raise EngineUnreachable(_UNREACHABLE) from error
        if response.is_error:
            raise _error(response)
        return _read(model, response.content)

    async def _lines(self, path: str, body: View) -> AsyncIterator[CheckLine]:
        """An answer that comes line by line; the engine gives a sign of life in between."""
        content = body.model_dump(mode="json")
        async with self._stream("POST", path, json=content, read=SILENCE_SECONDS) as response:
            try:
                async for line in response.aiter_lines():
                    yield _read(CheckLine, line)
            except httpx.TransportError as error:
                raise EngineUnreachable("the engine ended before it answered") from error

    @asynccontextmanager
    async def _stream(
        self, method: str, path: str, *, read: float | None = None, **sent: Any
    ) -> AsyncIterator[httpx.Response]:
        timeout = httpx.Timeout(30.0, read=read)
        try:
            response = await self._http.send(
                self._http.build_request(method, path, timeout=timeout, **sent), stream=True
            )
        except httpx.TransportError as error:
            raise EngineUnreachable(_UNREACHABLE) from error
        try:
            if response.is_error:
                await response.aread()
                raise _error(response)
            yield response
        finally:
            await response.aclose()


class SessionClient(_Client):
    """A session's own: it names no task, its token does."""

    async def standing(self) -> SessionView:
        return await self._ask("GET", "/v1/session", SessionView)

    async def brief(self) -> BriefView:
        return await self._ask("GET", "/v1/session/brief", BriefView)

    def check(self, request: CheckRequest) -> AsyncIterator[CheckLine]:
        """Have the work verified as it stands; the answer is the last line."""
        return self._lines("/v1/session/check", request)

    async def ask(self, text: str) -> ActionView:
        """Put a question to the person; it ends the session."""
        return await self._ask("POST", "/v1/session/ask", ActionView, body=AskRequest(text=text))

    async def note(self, text: str) -> ActionView:
        return await self._ask("POST", "/v1/session/note", ActionView, body=NoteRequest(text=text))


class EngineClient(_Client):
    """The owner's: it may ask and order everything."""

    async def status(self) -> StatusView:
        return await self._ask("GET", "/v1/status", StatusView)

    async def timing(self, plan: str) -> TimingView:
        """How fast the plan's checks are, and how long a verdict takes."""
        return await self._ask("GET", f"/v1/plans/{plan}/timing", TimingView)

    async def conflicts(self) -> ConflictsView:
        """Which branches in flight will conflict, looked at anew."""
        return await self._ask("GET", "/v1/conflicts", ConflictsView)

    async def changes(self, after: int = 0) -> ChangesView:
        """What changed since a revision of this engine's; all of it for 0."""
        return await self._ask("GET", "/v1/changes", ChangesView, query={"after": after})

    async def submit(self, plan: SubmitPlan) -> PlanView:
        """Hand a plan to the engine; raises PlanError with every problem."""
        return await self._ask("POST", "/v1/plans", PlanView, body=plan)

    async def task(self, plan: str, task: str) -> TaskDetail:
        return await self._ask("GET", _task(plan, task), TaskDetail)

    async def log(
        self, plan: str, task: str, *, attempt: int | None = None, after: int = 0
    ) -> LogChunk:
        """The transcript of an attempt (the newest by default) from offset ``after``."""
        query = {"after": after} | ({} if attempt is None else {"attempt": attempt})
        return await self._ask("GET", f"{_task(plan, task)}/log", LogChunk, query=query)

    async def log_page(self, plan: str, task: str, place: LogPlace) -> LogPage:
        """A page of a log of any size."""
        query = place.model_dump(exclude_none=True)
        return await self._ask("GET", f"{_task(plan, task)}/log/page", LogPage, query=query)

    async def search_log(self, plan: str, task: str, wanted: LogSearch) -> LogFound:
        """Where a text stands next in a log."""
        query = wanted.model_dump(exclude_none=True)
        return await self._ask("GET", f"{_task(plan, task)}/log/search", LogFound, query=query)

    async def diff(self, plan: str, task: str) -> DiffView:
        return await self._ask("GET", f"{_task(plan, task)}/diff", DiffView)

    async def brief(self, plan: str, task: str) -> BriefView:
        return await self._ask("GET", f"{_task(plan, task)}/brief", BriefView)

    def check(self, plan: str, task: str, request: OwnerCheckRequest) -> AsyncIterator[CheckLine]:
        """Have the work in a checkout verified as it stands; the answer is the last line."""
        return self._lines(f"{_task(plan, task)}/check", request)

    async def merge(self, plan: str, selection: TaskSelection) -> ActionView:
        """Order the landing of tasks; returns at once, landing is told by events."""
        return await self._ask("POST", f"/v1/plans/{plan}/merge", ActionView, body=selection)

    async def approve(self, plan: str, task: str) -> ActionView:
        return await self._act(plan, task, "approve")

    async def retry(self, plan: str, task: str, note: str = "") -> ActionView:
        return await self._act(plan, task, "retry", RetryRequest(note=note))

    async def cancel(self, plan: str, task: str) -> ActionView:
        return await self._act(plan, task, "cancel")

    async def answer(self, plan: str, task: str, text: str) -> ActionView:
        return await self._act(plan, task, "answer", AnswerRequest(text=text))

    async def pause(self, plan: str, task: str | None = None) -> ActionView:
        """Start no further session of the task, or of the whole plan."""
        return await self._pause_or_resume(plan, task, "pause")

    async def resume(self, plan: str, task: str | None = None) -> ActionView:
        return await self._pause_or_resume(plan, task, "resume")

    async def rank(self, plan: str, task: str, by: int) -> ActionView:
        """Have a task come sooner, or later below 0."""
        return await self._act(plan, task, "rank", RankRequest(by=by))

    async def withdraw(self, plan: str, task: str, *, withdrawn: bool) -> ActionView:
        """Take a task out of the line to land, or let it back in."""
        return await self._act(plan, task, "withdraw", WithdrawRequest(withdrawn=withdrawn))

    async def revert(self, plan: str, task: str, *, update_checkout: bool = False) -> ActionView:
        """Take a landed task back."""
        return await self._act(plan, task, "revert", RevertRequest(update_checkout=update_checkout))

    async def hold_landing(self, plan: str, *, paused: bool) -> ActionView:
        """Land nothing of a plan for now, or go on."""
        path, body = f"/v1/plans/{plan}/landing", LandingRequest(paused=paused)
        return await self._ask("POST", path, ActionView, body=body)

    async def stop(self) -> None:
        """Stop the engine; sessions are stopped and resumed when it runs again."""
        await self._ask("POST", "/v1/stop", ActionView)

    async def events(self, after: int = 0) -> AsyncIterator[EventView]:
        """Every event after ``after``, then each new one as it happens.

        Ends when the engine ends; raises EngineUnreachable when it cannot be reached.
        """
        async with self._stream("GET", "/v1/events", params={"after": after}) as response:
            try:
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        yield _read(EventView, line.removeprefix("data:"))
            except httpx.TransportError:
                return

    async def _act(self, plan: str, task: str, verb: str, body: View | None = None) -> ActionView:
        return await self._ask("POST", f"{_task(plan, task)}/{verb}", ActionView, body=body)

    async def _pause_or_resume(self, plan: str, task: str | None, verb: str) -> ActionView:
        path = f"/v1/plans/{plan}" if task is None else _task(plan, task)
        return await self._ask("POST", f"{path}/{verb}", ActionView)


_UNREACHABLE = "the engine does not answer; start it with: clerk start"


def _read(model: type[V], content: str | bytes) -> V:
    """A view from what the engine sent; raises ClerkError when it is not one we know."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise ClerkError(
            "the engine speaks another version of this program; restart it with: clerk stop"
        ) from error


def _task(plan: str, task: str) -> str:
    return f"/v1/plans/{plan}/tasks/{task}"


def _error(response: httpx.Response) -> ClerkError:
    """The error the engine raised, as told by its answer."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValueError:
        return ClerkError(f"the engine answered {response.status_code}: {response.text[:200]}")
    if problem.problems:
        return PlanError(problem.problems)
    if problem.exit_code == ExitCode.BAD_USAGE:
        return UsageError(problem.error)
    error = ClerkError(problem.error)
    error.exit_code = ExitCode(problem.exit_code)
    return error

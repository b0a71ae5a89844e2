"""The engine's door: HTTP on a unix socket that only its owner can open.

Routes translate and nothing more: every one is a call of the ``Door``. Errors the engine raises
travel as a ``Problem`` with their exit code, so that a client fails as the engine would have.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Protocol

import anyio
import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from orchestrator import __version__
from orchestrator.api.models import (
    ActionView,
    AnswerRequest,
    BriefView,
    DiffView,
    EventView,
    LogChunk,
    PlanView,
    Problem,
    RetryRequest,
    StatusView,
    SubmitPlan,
    TaskDetail,
    TaskSelection,
)
from orchestrator.errors import ClerkError, ExitCode, PlanError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

HEARTBEAT_SECONDS = 15.0
_STATUS = {ExitCode.BAD_USAGE: 422, ExitCode.CANNOT_RUN: 409}


class Door(Protocol):
    """What the engine lets clients do. Unknown plans and tasks raise UsageError."""

    def status(self) -> StatusView: ...
    async def submit(self, request: SubmitPlan) -> PlanView: ...
    def task(self, plan: str, task: str) -> TaskDetail: ...
    def log(self, plan: str, task: str, attempt: int | None, after: int) -> LogChunk: ...
    async def diff(self, plan: str, task: str) -> DiffView: ...
    async def brief(self, plan: str, task: str) -> BriefView: ...
    def merge(self, plan: str, selection: TaskSelection) -> ActionView: ...
    def approve(self, plan: str, task: str) -> ActionView: ...
    def retry(self, plan: str, task: str, note: str) -> ActionView: ...
    async def cancel(self, plan: str, task: str) -> ActionView: ...
    def answer(self, plan: str, task: str, text: str) -> ActionView: ...
    def pause(self, plan: str, task: str | None) -> ActionView: ...
    def resume(self, plan: str, task: str | None) -> ActionView: ...
    def stop(self) -> None: ...

    async def news(self, after: int, patience_seconds: float) -> tuple[EventView, ...] | None:
        """Events after ``after``, waiting for one; empty when none came, None at the end."""


def create_app(door: Door) -> FastAPI:
    """The application that serves ``door``; its OpenAPI is at ``/openapi.json``."""
    app = FastAPI(title="Clerk of Works", version=__version__)
    app.add_exception_handler(ClerkError, _on_clerk_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_unknown_route)
    _add_reading(app, door)
    _add_orders(app, door)
    _add_task_orders(app, door)
    return app


def _add_reading(app: FastAPI, door: Door) -> None:
    @app.get("/v1/status")
    async def status() -> StatusView:
        return door.status()

    @app.get("/v1/plans/{plan}/tasks/{task}")
    async def task_detail(plan: str, task: str) -> TaskDetail:
        return door.task(plan, task)

    @app.get("/v1/plans/{plan}/tasks/{task}/log")
    async def log(
        plan: str,
        task: str,
        attempt: Annotated[int | None, Query(ge=1)] = None,
        after: Annotated[int, Query(ge=0)] = 0,
    ) -> LogChunk:
        return door.log(plan, task, attempt, after)

    @app.get("/v1/plans/{plan}/tasks/{task}/diff")
    async def diff(plan: str, task: str) -> DiffView:
        return await door.diff(plan, task)

    @app.get("/v1/plans/{plan}/tasks/{task}/brief")
    async def brief(plan: str, task: str) -> BriefView:
        return await door.brief(plan, task)

    @app.get("/v1/events")
    async def events(after: Annotated[int, Query(ge=0)] = 0) -> StreamingResponse:
        return StreamingResponse(_stream(door, after), media_type="text/event-stream")


def _add_orders(app: FastAPI, door: Door) -> None:
    @app.post("/v1/plans")
    async def submit(request: SubmitPlan) -> PlanView:
        return await door.submit(request)

    @app.post("/v1/plans/{plan}/merge")
    async def merge(plan: str, selection: TaskSelection) -> ActionView:
        return door.merge(plan, selection)

    @app.post("/v1/plans/{plan}/pause")
    async def pause_plan(plan: str) -> ActionView:
        return door.pause(plan, None)

    @app.post("/v1/plans/{plan}/resume")
    async def resume_plan(plan: str) -> ActionView:
        return door.resume(plan, None)

    @app.post("/v1/stop")
    async def stop() -> ActionView:
        door.stop()
        return ActionView()


def _add_task_orders(app: FastAPI, door: Door) -> None:
    @app.post("/v1/plans/{plan}/tasks/{task}/approve")
    async def approve(plan: str, task: str) -> ActionView:
        return door.approve(plan, task)

    @app.post("/v1/plans/{plan}/tasks/{task}/retry")
    async def retry(plan: str, task: str, request: RetryRequest) -> ActionView:
        return door.retry(plan, task, request.note)

    @app.post("/v1/plans/{plan}/tasks/{task}/cancel")
    async def cancel(plan: str, task: str) -> ActionView:
        return await door.cancel(plan, task)

    @app.post("/v1/plans/{plan}/tasks/{task}/answer")
    async def answer(plan: str, task: str, request: AnswerRequest) -> ActionView:
        return door.answer(plan, task, request.text)

    @app.post("/v1/plans/{plan}/tasks/{task}/pause")
    async def pause_task(plan: str, task: str) -> ActionView:
        return door.pause(plan, task)

    @app.post("/v1/plans/{plan}/tasks/{task}/resume")
    async def resume_task(plan: str, task: str) -> ActionView:
        return door.resume(plan, task)


async def _stream(door: Door, after: int) -> AsyncIterator[str]:
    """Server-sent events; each client reads from the store at its own pace."""
    while (news := await door.news(after, HEARTBEAT_SECONDS)) is not None:
        for event in news:
            after = event.seq
            yield f"id:{event.seq}\nevent:{event.kind}\ndata:{event.model_dump_json()}\n\n"
        if not news:
            yield ": still here\n\n"


async def _on_clerk_error(_request: Request, error: Exception) -> JSONResponse:
    code = error.exit_code if isinstance(error, ClerkError) else ExitCode.INTERNAL
    problems = error.problems if isinstance(error, PlanError) else ()
    problem = Problem(error=str(error), exit_code=int(code), problems=problems)
    return JSONResponse(problem.model_dump(), status_code=_STATUS.get(code, 400))


async def _on_bad_request(_request: Request, error: Exception) -> JSONResponse:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{'.'.join(map(str, d['loc'][1:]))}: {d['msg']}" for d in details)
    return await _on_clerk_error(_request, UsageError(f"the request is malformed: {told}"))


async def _on_unknown_route(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 404
    told = f"there is no {request.method} {request.url.path}; /openapi.json lists what there is"
    problem = Problem(error=told, exit_code=int(ExitCode.BAD_USAGE))
    return JSONResponse(problem.model_dump(), status_code=status)


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(door: Door, path: Path, *, listening: anyio.Event, stopping: anyio.Event) -> None:
    """Serve ``door`` on a unix socket at ``path``, mode 0600, until ``stopping`` is set.

    ``listening`` is set once clients can connect.
    """
    config = uvicorn.Config(
        create_app(door),
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _QuietServer(config)
    door_socket = bind(path)
    listening.set()

    async def stop_with_the_engine() -> None:
        await stopping.wait()
        server.should_exit = True

    async with anyio.create_task_group() as group:
        group.start_soon(stop_with_the_engine)
        await server.serve(sockets=[door_socket])
        group.cancel_scope.cancel()


def bind(path: Path) -> socket.socket:
    """A listening unix socket at ``path`` that only its owner may open.

    Whatever lay there is from an engine that is gone: the caller holds the engine's lock.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(64)
    listening.setblocking(False)
    return listening

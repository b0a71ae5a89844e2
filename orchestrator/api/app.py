"""The engine's own door, as HTTP: what its owner may see and order.

Routes translate and nothing more: every one is a call of the ``Door``. Errors the engine raises
travel as a ``Problem`` with their exit code, so that a client fails as the engine would have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import FastAPI, Query, Response
from fastapi.responses import StreamingResponse

from orchestrator import __version__
from orchestrator.api.changes import ChangesView
from orchestrator.api.check_views import OwnerCheckRequest
from orchestrator.api.conflict_views import ConflictsView
from orchestrator.api.lines import IN_LINES, Lines, Telling
from orchestrator.api.log_views import LogFound, LogPage, LogPlace, LogSearch
from orchestrator.api.models import (
    ActionView,
    BriefView,
    DiffView,
    EventView,
    LogChunk,
    PlanView,
    StatusView,
    SubmitPlan,
    TaskDetail,
    TaskSelection,
)
from orchestrator.api.order_requests import (
    AnswerRequest,
    LandingRequest,
    RankRequest,
    RetryRequest,
    RevertRequest,
    WithdrawRequest,
)
from orchestrator.api.problems import DECLARED, tell_problems
from orchestrator.api.timing_views import TimingView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT_SECONDS = 15.0
_Offset = Annotated[int, Query(ge=0, le=2**53)]
"""As far as JSON counts in whole numbers; databases and files do not go much further."""


class Door(Protocol):
    """What the engine lets clients do. Unknown plans and tasks raise UsageError."""

    def status(self) -> StatusView: ...
    def timing(self, plan: str) -> TimingView: ...
    async def conflicts(self) -> ConflictsView: ...
    def changes(self, after: int) -> ChangesView: ...
    async def submit(self, request: SubmitPlan) -> PlanView: ...
    def task(self, plan: str, task: str) -> TaskDetail: ...
    def log(self, plan: str, task: str, attempt: int | None, after: int) -> LogChunk: ...
    def log_page(self, plan: str, task: str, place: LogPlace) -> LogPage: ...
    def search_log(self, plan: str, task: str, wanted: LogSearch) -> LogFound: ...
    async def diff(self, plan: str, task: str) -> DiffView: ...
    async def brief(self, plan: str, task: str) -> BriefView: ...
    async def check(self, plan: str, task: str, request: OwnerCheckRequest) -> Telling: ...
    def merge(self, plan: str, selection: TaskSelection) -> ActionView: ...
    def approve(self, plan: str, task: str) -> ActionView: ...
    def retry(self, plan: str, task: str, note: str) -> ActionView: ...
    async def cancel(self, plan: str, task: str) -> ActionView: ...
    def answer(self, plan: str, task: str, text: str) -> ActionView: ...
    def pause(self, plan: str, task: str | None) -> ActionView: ...
    def resume(self, plan: str, task: str | None) -> ActionView: ...
    def rank(self, plan: str, task: str, by: int) -> ActionView: ...
    def withdraw(self, plan: str, task: str, *, withdrawn: bool) -> ActionView: ...
    def revert(self, plan: str, task: str, *, update_checkout: bool) -> ActionView: ...
    def hold_landing(self, plan: str, *, paused: bool) -> ActionView: ...
    def stop(self) -> None: ...

    async def news(self, after: int, patience_seconds: float) -> tuple[EventView, ...] | None:
        """Events after ``after``, waiting for one; empty when none came, None at the end."""


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


def create_app(door: Door) -> FastAPI:
    """The application that serves ``door``; its OpenAPI is at ``/openapi.json``."""
    app = FastAPI(title="Clerk of Works", version=__version__, responses=DECLARED)
    tell_problems(app)
    _add_overview(app, door)
    _add_reading(app, door)
    _add_logs(app, door)
    _add_orders(app, door)
    _add_task_orders(app, door)
    _add_queue_orders(app, door)
    return app


def _add_overview(app: FastAPI, door: Door) -> None:
    @app.get("/v1/status")
    async def status() -> StatusView:
        return door.status()

    @app.get("/v1/plans/{plan}/timing")
    async def timing(plan: str) -> TimingView:
        return door.timing(plan)

    @app.get("/v1/conflicts")
    async def conflicts() -> ConflictsView:
        return await door.conflicts()

    @app.get("/v1/changes", response_model=ChangesView)
    async def changes(after: _Offset = 0) -> Response:
        """As JSON at once: what is asked for several times a second is not validated again."""
        return Response(door.changes(after).model_dump_json(), media_type="application/json")


def _add_reading(app: FastAPI, door: Door) -> None:
    @app.get("/v1/plans/{plan}/tasks/{task}")
    async def task_detail(plan: str, task: str) -> TaskDetail:
        return door.task(plan, task)

    @app.get("/v1/plans/{plan}/tasks/{task}/diff")
    async def diff(plan: str, task: str) -> DiffView:
        return await door.diff(plan, task)

    @app.get("/v1/plans/{plan}/tasks/{task}/brief")
    async def brief(plan: str, task: str) -> BriefView:
        return await door.brief(plan, task)

    @app.get("/v1/events", response_class=EventStream)
    async def events(after: _Offset = 0) -> StreamingResponse:
        return EventStream(_stream(door, after))


def _add_logs(app: FastAPI, door: Door) -> None:
    @app.get("/v1/plans/{plan}/tasks/{task}/log")
    async def log(
        plan: str,
        task: str,
        attempt: Annotated[int | None, Query(ge=1)] = None,
        after: _Offset = 0,
    ) -> LogChunk:
        return door.log(plan, task, attempt, after)

    @app.get("/v1/plans/{plan}/tasks/{task}/log/page")
    async def log_page(plan: str, task: str, place: Annotated[LogPlace, Query()]) -> LogPage:
        return door.log_page(plan, task, place)

    @app.get("/v1/plans/{plan}/tasks/{task}/log/search")
    async def search_log(plan: str, task: str, wanted: Annotated[LogSearch, Query()]) -> LogFound:
        return door.search_log(plan, task, wanted)


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
    @app.post("/v1/plans/{plan}/tasks/{task}/check", responses=IN_LINES)
    async def check(plan: str, task: str, request: OwnerCheckRequest) -> Lines:
        return Lines(await door.check(plan, task, request))

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


def _add_queue_orders(app: FastAPI, door: Door) -> None:
    @app.post("/v1/plans/{plan}/landing")
    async def hold_landing(plan: str, request: LandingRequest) -> ActionView:
        return door.hold_landing(plan, paused=request.paused)

    @app.post("/v1/plans/{plan}/tasks/{task}/rank")
    async def rank(plan: str, task: str, request: RankRequest) -> ActionView:
        return door.rank(plan, task, request.by)

    @app.post("/v1/plans/{plan}/tasks/{task}/withdraw")
    async def withdraw(plan: str, task: str, request: WithdrawRequest) -> ActionView:
        return door.withdraw(plan, task, withdrawn=request.withdrawn)

    @app.post("/v1/plans/{plan}/tasks/{task}/revert")
    async def revert(plan: str, task: str, request: RevertRequest) -> ActionView:
        return door.revert(plan, task, update_checkout=request.update_checkout)


async def _stream(door: Door, after: int) -> AsyncIterator[str]:
    """Server-sent events; each client reads from the store at its own pace."""
    while (news := await door.news(after, HEARTBEAT_SECONDS)) is not None:
        for event in news:
            after = event.seq
            yield f"id:{event.seq}\nevent:{event.kind}\ndata:{event.model_dump_json()}\n\n"
        if not news:
            yield ": still here\n\n"

"""An answer in lines, told while it is found; whoever hangs up ends the telling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import Response

from orchestrator.api.check_views import CheckLine

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Tell = Callable[[CheckLine], Awaitable[None]]
Telling = Callable[[Tell], Awaitable[None]]


class Lines(Response):
    """JSON documents, one a line; ``telling`` is cancelled when nobody listens any more.

    It must not raise: the answer has begun by then.
    """

    media_type = "application/x-ndjson"

    def __init__(self, telling: Telling) -> None:
        super().__init__()
        self._telling = telling

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async def tell(line: CheckLine) -> None:
            text = line.model_dump_json(exclude_defaults=True)
            await send(_body(text.encode("utf-8", "replace") + b"\n", more=True))

        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        async with anyio.create_task_group() as both:
            both.start_soon(_cancel_when_gone, receive, both.cancel_scope)
            await self._telling(tell)
            both.cancel_scope.cancel()
        await send(_body(b"", more=False))


IN_LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each check as it ends, and the whole answer last: CheckLine.",
        "content": {Lines.media_type: {"schema": {"type": "string"}}},
    }
}
"""For OpenAPI: a route's own errors are still single documents."""

_HEADERS = [(b"content-type", b"application/x-ndjson")]


def _body(content: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()

"""One request handed on and its answer handed back, both as they come.

Nothing is collected: an event of a stream reaches the client before the next one is made, and a
large file takes no more memory than a small one. An answer that breaks off is broken off here
too, since nothing else would tell the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
import httpcore

from orchestrator.egress.conversation import IDLE_SECONDS
from orchestrator.egress.refusal import Refusal
from orchestrator.egress.upstream import host_header, of_all_hops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestrator.egress.account import Entry
    from orchestrator.egress.conversation import Conversation
    from orchestrator.egress.upstream import Headers, Upstream

_TIMEOUTS = {"connect": 60.0, "read": IDLE_SECONDS, "write": IDLE_SECONDS, "pool": 60.0}
FAILED = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


async def exchange(
    conversation: Conversation,
    request: h11.Request,
    url: httpcore.URL,
    upstream: Upstream,
    entry: Entry,
) -> None:
    """Ask ``upstream`` what the client asked; raises Refusal as long as nothing was answered."""
    asked = httpcore.Request(
        request.method,
        url,
        headers=_asked(request.headers.raw_items(), url, upstream),
        content=_counted(conversation, entry),
        extensions={"timeout": _TIMEOUTS},
    )
    try:
        response = await upstream.pool.handle_async_request(asked)
    except FAILED as error:
        raise Refusal(502, f"{entry.host}:{entry.port} gave no answer that makes sense") from error
    try:
        entry.verdict = "allowed"
        await _hand_back(conversation, response, entry)
    finally:
        await response.aclose()


def _asked(given: Headers, url: httpcore.URL, upstream: Upstream) -> Headers:
    names = {name.lower() for name, _ in given}
    sent = [header for header in upstream.headers(given) if header[0].lower() != b"host"]
    if b"transfer-encoding" in names:  # our hop's; the next one is framed anew
        sent = [header for header in sent if header[0].lower() != b"content-length"]
        sent.append((b"transfer-encoding", b"chunked"))
    return [host_header(url), *sent]


async def _counted(conversation: Conversation, entry: Entry) -> AsyncIterator[bytes]:
    async for chunk in conversation.body():
        entry.sent += len(chunk)
        yield chunk


async def _hand_back(conversation: Conversation, response: httpcore.Response, entry: Entry) -> None:
    headers = list(of_all_hops(response.headers))
    reason = response.extensions.get("reason_phrase", b"")
    await conversation.send(
        h11.Response(status_code=response.status, headers=headers, reason=reason)
    )
    async for chunk in response.aiter_stream():
        entry.received += len(chunk)
        await conversation.send(h11.Data(data=chunk))
    await conversation.send(h11.EndOfMessage())

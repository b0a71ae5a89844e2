"""A stand-in for the Anthropic Messages API on the loopback: what the model says is a list.

The real client is driven by it, so that what is tested is the client as it is installed, without
an account, without the network, the same on every day. It forbids itself to be clever: one turn
is taken from the list for each request, in order, whatever was asked; what was asked is kept for
the test to look at. Where the list has ended the client is told so, as an error that no client
tries again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

ERRORS = {400: "invalid_request", 401: "authentication", 429: "rate_limit", 529: "overloaded"}


@dataclass(frozen=True)
class Turn:
    """One answer of the model: words, then perhaps a call of the shell; and what it used."""

    say: str = ""
    bash: str = ""
    fresh: int = 1000
    cached: int = 0
    output: int = 50

    def parts(self, number: int) -> list[tuple[dict, dict]]:
        """Each part of the content: as it begins, and the one piece that follows."""
        parts = []
        if self.say:
            parts.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": self.say}))
        if self.bash:
            call = {"type": "tool_use", "id": f"toolu_{number:04}", "name": "Bash", "input": {}}
            given = json.dumps({"command": self.bash, "description": "work"})
            parts.append((call, {"type": "input_json_delta", "partial_json": given}))
        return parts


@dataclass(frozen=True)
class Fault:
    """An HTTP error in place of an answer; ``lasting`` ones are never used up."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    lasting: bool = False


@dataclass
class ModelStub:
    """The script, and what was asked so far."""

    turns: list[Turn | Fault] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    url: str = ""

    def plays(self, *turns: Turn | Fault) -> None:
        """What the model says from now on."""
        with self.lock:
            self.turns.extend(turns)

    def take(self, body: dict) -> Turn | Fault:
        with self.lock:
            self.asked.append(body)
            if not self.turns:
                return Fault(400)
            first = self.turns[0]
            return first if isinstance(first, Fault) and first.lasting else self.turns.pop(0)

    def conversation(self, request: int) -> str:
        """All that was said before the answer to a request, by both sides, as JSON."""
        return json.dumps(self.asked[request]["messages"])


def events_of(turn: Turn, number: int, model: str) -> Iterator[dict]:
    """The stream of one answer."""
    usage = {
        "input_tokens": turn.fresh,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": turn.cached,
        "output_tokens": 1,
    }
    message = {"id": f"msg_{number:04}", "type": "message", "role": "assistant", "model": model}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield {"type": "message_start", "message": message}
    for index, (begin, piece) in enumerate(turn.parts(number)):
        yield {"type": "content_block_start", "index": index, "content_block": begin}
        yield {"type": "content_block_delta", "index": index, "delta": piece}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": "tool_use" if turn.bash else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": usage | {"output_tokens": turn.output}}
    yield {"type": "message_stop"}


class Door(BaseHTTPRequestHandler):
    """One request; the connection ends with the answer."""

    stub: ModelStub

    def log_message(self, *args: object) -> None:
        """Nothing on the test's own output."""

    def do_HEAD(self) -> None:
        self._answer(200, "application/json", b"")

    def do_GET(self) -> None:
        self._answer(404, "application/json", b"{}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.path.partition("?")[0] != "/v1/messages":
            return self._answer(404, "application/json", b"{}")
        self.stub.keys.add(self.headers.get("x-api-key", ""))
        turn = self.stub.take(body)
        if isinstance(turn, Fault):
            return self._refuse(turn)
        stream = events_of(turn, next(self.stub.numbers), body["model"])
        told = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in stream)
        return self._answer(200, "text/event-stream", told.encode())

    def _refuse(self, fault: Fault) -> None:
        kind = f"{ERRORS.get(fault.status, 'api')}_error"
        told = {"type": "error", "error": {"type": kind, "message": f"the script says {kind}"}}
        self._answer(fault.status, "application/json", json.dumps(told).encode(), fault.headers)

    def _answer(
        self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[ModelStub]:
    """A stub that answers, on a port of its own."""
    stub = ModelStub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Door", (Door,), {"stub": stub}))
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""What a door demands of a connection: that requests come to an end, and from the right user."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from waiting import until

from orchestrator.api.connection import Rules
from orchestrator.api.server import Opening, serve

HASTY = Rules(frozenset({os.geteuid()}), patience_seconds=0.2)


@asynccontextmanager
async def served(path: Path, rules: Rules):
    """A door that answers everything with 200, under ``rules``."""
    app = FastAPI()

    @app.api_route("/", methods=["GET", "POST"])
    async def answer(request: Request) -> int:
        return len(await request.body())

    listening, stopping = anyio.Event(), anyio.Event()
    run = partial(serve, listening=listening, stopping=stopping)
    async with anyio.create_task_group() as group:
        group.start_soon(run, Opening(path, 0o600, app, rules))
        await listening.wait()
        yield
        stopping.set()


async def heard(path: Path, said: bytes) -> bytes:
    """Everything that is answered to ``said`` until the other side hangs up."""
    answer = b""
    async with await anyio.connect_unix(path) as stream:
        if said:
            await stream.send(said)
        with anyio.fail_after(60):
            try:
                while True:
                    answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return answer


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (b"", [b"408"]),
        (b"GET / HTT", [b"408"]),
        (b"GET / HTTP/1.1\r\nhost: c\r\n", [b"408"]),
        (b"POST / HTTP/1.1\r\nhost: c\r\ncontent-length: 9\r\n\r\n{", [b"408"]),
        (b"GET / HTTP/1.1\r\nhost: c\r\n\r\nGET / HT", [b"200", b"408"]),
    ],
)
def test_who_does_not_end_a_request_is_hung_up_on(tmp_path, said, answers):
    async def check() -> None:
        async with served(tmp_path / "door", HASTY):
            told = await heard(tmp_path / "door", said)
        parts = told.split(b"HTTP/1.1 ")[1:]
        assert [part[:3] for part in parts] == answers

    anyio.run(check)


def test_another_user_may_not_enter_whatever_the_mode_of_the_socket(tmp_path):
    async def check() -> None:
        async with served(tmp_path / "door", Rules(frozenset({os.geteuid() + 1}))):
            told = await heard(tmp_path / "door", b"GET / HTTP/1.1\r\nhost: c\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 403 Forbidden")
        assert b"this door is its owner's" in told

    anyio.run(check)


def test_a_server_that_is_cancelled_leaves_no_request_and_no_complaint(tmp_path, capsys):
    """As when the engine fails under it: whoever waits is told, a stream just ends."""
    app, begun, ended = FastAPI(), [], []

    async def endless():
        try:
            while True:
                yield "still here\n"
                await anyio.sleep(0.01)
        finally:
            ended.append("stream")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(endless())

    @app.get("/wait")
    async def wait() -> None:
        begun.append("wait")
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("wait")

    async def check() -> None:
        door, heard_of = tmp_path / "door", {}

        async def ask(name: str) -> None:
            heard_of[name] = await heard(door, f"GET /{name} HTTP/1.1\r\nhost: c\r\n\r\n".encode())

        listening = anyio.Event()
        run = partial(serve, listening=listening, stopping=anyio.Event())
        async with anyio.create_task_group() as clients:
            async with anyio.create_task_group() as engine:
                engine.start_soon(run, Opening(door, 0o600, app, HASTY))
                await listening.wait()
                async with await anyio.connect_unix(door) as idle:
                    await idle.send(b"GET /stream HTTP/1.1\r\nhost: c\r\n\r\n")
                    await idle.receive()
                clients.start_soon(ask, "stream")
                clients.start_soon(ask, "wait")
                await until(lambda: bool(begun))
                engine.cancel_scope.cancel()
            assert sorted(ended) == ["stream", "stream", "wait"]
        assert heard_of["wait"].startswith(b"HTTP/1.1 503 ")
        assert b'"error":"the engine is ending"' in heard_of["wait"]
        assert heard_of["stream"].startswith(b"HTTP/1.1 200 OK")

    anyio.run(check)
    assert not capsys.readouterr().err

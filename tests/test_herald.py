"""Whoever configured it is told, once, at that address alone; and nobody ever waits for it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from scripted.engine import a_plan, a_task
from waiting import until

from orchestrator import herald
from orchestrator.api.models import EngineView, StatusView
from orchestrator.herald import Herald
from orchestrator.settings import Settings
from orchestrator.states import TaskState

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
HOSTILE = "which\x1b]52;c;ZXZpbA==\x07 key\u202e?" + "x" * 10_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens together is told together; a test waits for nobody."""
    monkeypatch.setattr(herald, "QUIET_SECONDS", 0.0)


class Hook:
    """A loopback server that remembers what it was sent; without an answer it never gives one."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    @asynccontextmanager
    async def open(self):
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            anyio.create_task_group() as group,
        ):
            host, port = listener.extra(anyio.abc.SocketAttribute.local_address)
            self.url = f"http://{host}:{port}/hook"
            group.start_soon(listener.serve, self._serve)
            yield self
            group.cancel_scope.cancel()

    async def _serve(self, stream: SocketStream) -> None:
        async with stream:
            said = b""
            while b"\r\n\r\n" not in said or len(said) < _end(said):
                try:
                    said += await stream.receive()
                except anyio.EndOfStream:  # given up before all was said
                    return
            head, _, body = said.partition(b"\r\n\r\n")
            self.heard.append((head.split(b"\r\n")[0].decode(), json.loads(body)))
            if not self.answer:
                await anyio.sleep_forever()
            await stream.send(self.answer)


def _end(said: bytes) -> int:
    head, gap, _ = said.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    ]
    return len(head) + len(gap) + lengths[0]


class Board:
    """A status that a test changes."""

    def __init__(self) -> None:
        self.tasks = [a_task("a"), a_task("b")]
        self.asked = 0

    def status(self) -> StatusView:
        self.asked += 1
        engine = EngineView(running=True, repository="/home/ada/shop")
        return StatusView(engine=engine, plans=(a_plan(*self.tasks),))


@asynccontextmanager
async def watching(board: Board, since: float = 0.0, **settings):
    given = Settings(database="sqlite:////x/clerk.db", **settings)
    watch = Herald(given, board.status, {}, since=since)
    async with anyio.create_task_group() as group:
        group.start_soon(watch.watch)
        await anyio.wait_all_tasks_blocked()
        yield watch
        group.cancel_scope.cancel()


async def test_each_need_is_posted_once() -> None:
    board = Board()
    async with Hook(OK).open() as hook, watching(board, webhook=hook.url) as watch:
        for tasks in (
            [a_task("a", TaskState.NEEDS_INPUT, asks=True, reason=HOSTILE, state_since=1.0)],
            [a_task("a", TaskState.NEEDS_INPUT, asks=True, reason=HOSTILE, state_since=1.0)],
            [a_task("b", TaskState.FAILED, state_since=2.0)],
        ):
            board.tasks, asked = tasks, board.asked
            watch.wake()
            await until(lambda asked=asked: board.asked > asked)
        await until(lambda: len(hook.heard) == 2)
        (line, first), (_, second) = hook.heard
        assert line == "POST /hook HTTP/1.1"
        assert first["repository"] == "shop"
        assert first["text"].startswith("shop/a asks: which key")
        assert [need["need"] for need in first["needs"]] == ["answer"]
        assert [need["task"] for need in second["needs"]] == ["b"]
        shown = json.dumps(first, ensure_ascii=False)
        assert "\\u001b" not in shown
        assert "\u202e" not in shown
        assert len(shown) < 3_000


async def test_a_redirect_leads_nowhere_and_a_refusal_stops_nothing(caplog) -> None:
    board = Board()
    async with Hook(OK).open() as other:
        away = f"HTTP/1.1 307 x\r\nlocation: {other.url}\r\ncontent-length: 0\r\n\r\n".encode()
        async with Hook(away).open() as hook, watching(board, webhook=hook.url) as watch:
            for number in (1, 2):
                board.tasks = [a_task("a", TaskState.FAILED, state_since=float(number))]
                watch.wake()
                await until(lambda number=number: len(hook.heard) == number)
        assert other.heard == []
    assert "the webhook answered 307" in caplog.text


async def test_one_that_never_answers_is_given_up(monkeypatch, caplog) -> None:
    monkeypatch.setattr(herald, "PATIENCE_SECONDS", 0.05)
    board = Board()
    async with Hook(b"").open() as hook, watching(board, webhook=hook.url) as watch:
        for number in (1, 2):
            board.tasks = [a_task("a", TaskState.FAILED, state_since=float(number))]
            watch.wake()
            await until(lambda number=number: caplog.text.count("did not answer") == number)


async def test_one_that_is_not_there_is_a_line_in_the_log_without_its_address(caplog) -> None:
    board = Board()
    async with watching(board, webhook="http://127.0.0.1:1/secret-token") as watch:
        board.tasks = [a_task("a", TaskState.FAILED)]
        watch.wake()
        await until(lambda: "cannot be reached" in caplog.text)
    assert "secret-token" not in caplog.text


async def test_what_arose_before_the_engine_began_is_no_news() -> None:
    board = Board()
    board.tasks = [
        a_task("a", TaskState.FAILED, state_since=10.0),
        a_task("b", TaskState.FAILED, state_since=30.0),
    ]
    async with Hook(OK).open() as hook, watching(board, since=20.0, webhook=hook.url):
        await until(lambda: hook.heard)
        assert [need["task"] for need in hook.heard[0][1]["needs"]] == ["b"]


async def test_where_nobody_listens_nothing_is_asked() -> None:
    board = Board()
    async with watching(board) as watch:
        watch.wake()
        await anyio.wait_all_tasks_blocked()
    assert board.asked == 0


async def test_the_desktop_is_told_and_its_absence_does_no_harm(monkeypatch, caplog) -> None:
    told: list[tuple[str, ...]] = []

    async def run(argv, **_):
        told.append(argv)

    board = Board()
    board.tasks = [a_task("--help", TaskState.FAILED, state_since=1.0)]
    monkeypatch.setattr(herald.process, "run", run)
    async with watching(board, notify="desktop"):
        await until(lambda: told)
    assert told[0][0] == "notify-send"
    assert told[0][told[0].index("--") + 1 :] == ("Clerk of Works", "shop/--help failed")
    monkeypatch.undo()
    async with watching(board, notify="desktop"):
        await until(lambda: "no desktop notification" in caplog.text)


def test_many_needs_are_counted_and_few_named() -> None:
    needy = [a_task(f"t{n}", TaskState.FAILED) for n in range(500)]
    body = herald.message("/home/ada/shop", needy, herald.told(needy))
    assert body["count"] == 500
    assert len(body["needs"]) == herald.NEEDS_NAMED
    assert body["text"].endswith("and 480 more")

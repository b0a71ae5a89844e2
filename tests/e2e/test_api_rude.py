"""Clients that are slow, broken or too many: the engine answers the others, and nothing grows."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
from pathlib import Path

import pytest
from waiting import until_blocking

ENOUGH_BYTES = 48 * 1024 * 1024
"""More than any of this may cost; what is sent is many times as much."""


@pytest.fixture
def engine(yard):
    """An engine at rest; afterwards it still answers, has not grown and has complained of nothing."""
    yard.clerk("start", str(yard.plan({"a": "echo good > a.txt"})))
    yard.until("a", "verified")
    answers(yard)
    before = memory(yard)
    yield yard
    answers(yard)
    assert memory(yard) - before < ENOUGH_BYTES
    log = (yard.state / "engine.log").read_text()
    assert "Traceback" not in log, log
    assert "rror" not in log, log


def answers(yard) -> None:
    """Both doors answer, each in its way."""
    with yard.api() as api:
        assert api.get("/v1/status").json()["engine"]["running"]
    with connected(doors(yard)[1]) as session:
        session.sendall(b"GET /v1/session HTTP/1.1\r\nhost: clerk\r\n\r\n")
        assert session.recv(64).startswith(b"HTTP/1.1 401 ")


def doors(yard) -> tuple[str, str]:
    owner = Path(yard.holder.socket)
    return str(owner), str(owner.parent / "door" / "session.sock")


def connected(path: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(path)
    return client


def memory(yard) -> int:
    pages = Path(f"/proc/{yard.holder.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def descriptors(yard) -> int:
    return len(list(Path(f"/proc/{yard.holder.pid}/fd").iterdir()))


def poured(client: socket.socket, chunk: bytes, times: int) -> int:
    """How many bytes were sent before the engine hung up."""
    sent = 0
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(times):
            client.sendall(chunk)
            sent += len(chunk)
    return sent


def status_of(client: socket.socket) -> int:
    """The answer's status; 0 where the engine hung up without one."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while b"\r\n" not in answer and (piece := client.recv(4096)):
            answer += piece
    return int(answer.split()[1]) if answer else 0


JSON = b"content-type: application/json\r\n"
MEGABYTE = 1024 * 1024
LONG = (
    (b"GET / HTTP/1.1\r\nhost: clerk\r\nx: ", b"x" * 65536, 160, 400),
    (b"GET /" + b"x" * 100, b"x" * 65536, 160, 400),
    (
        b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b"content-length: 1073741824\r\n\r\n",
        b" " * MEGABYTE,
        1024,
        413,
    ),
    (
        b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b"transfer-encoding: chunked\r\n\r\n",
        b"100000\r\n" + b" " * MEGABYTE + b"\r\n",
        1024,
        413,
    ),
    (
        b"GET /v1/status HTTP/1.1\r\nhost: c\r\n" + JSON + b"transfer-encoding: chunked\r\n\r\n",
        b"100000\r\n" + b" " * MEGABYTE + b"\r\n",
        64,
        200,
    ),
)


def test_what_is_too_long_is_cut_off_and_not_kept(engine):
    for head, chunk, times, status in LONG[:4]:
        with connected(doors(engine)[0]) as client:
            client.sendall(head)
            sent = poured(client, chunk, times)
            assert sent < 16 * MEGABYTE, head
            assert status_of(client) in {status, 0}, head
    for head, chunk, times, _ in LONG[2:4]:
        with connected(doors(engine)[1]) as client:
            client.sendall(head)
            assert poured(client, chunk, times) < 16 * MEGABYTE, "a stranger's is not even read"


BROKEN = (
    (b"\0\xff\xfe garbage \r\n\r\n", 400),
    (b"GET /v1/status\r\n\r\n", 400),
    (b"GET /\xff HTTP/1.1\r\nhost: c\r\n\r\n", 400),
    (b"GET /v1/status HTTP/1.0\r\n\r\n", 200),
    (b"GET /v1/status HTTP/9.9\r\nhost: c\r\n\r\n", (200, 400)),
    (b"GET /v1/status HTTP/1.1\r\n\r\n", 400),
    (b"GET /v1/status HTTP/1.1\r\nhost: c\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", 200),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\ntransfer-encoding: gzip\r\n\r\n", 400),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\ncontent-length: -1\r\n\r\n", 400),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"GET /v1/events HTTP/1.1\r\nhost: c\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\0", 400),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b"content-length: 2\r\n\r\n\xff\xfe", (400, 422)),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b"content-length: 40000\r\n\r\n" + b"[" * 40000, (400, 422)),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b"content-length: 5001\r\n\r\n" + b"9" * 5001, (400, 422)),
    (b"POST /v1/plans HTTP/1.1\r\nhost: c\r\n" + JSON + b'content-length: 14\r\n\r\n{"\\ud800":"x"}', 422),
    (b"GET /v1/events?after=99999999999999999999 HTTP/1.1\r\nhost: c\r\n\r\n", 422),
    (b"GET /v1/plans/p/tasks/a/log?after=9007199254740992 HTTP/1.1\r\nhost: c\r\n\r\n", 200),
    (b"GET /v1/plans/%00/tasks/%ff%fe HTTP/1.1\r\nhost: c\r\n\r\n", 422),
)  # fmt: skip


def test_broken_requests_get_an_answer_and_no_traceback(engine):
    for request, expected in BROKEN:
        with connected(doors(engine)[0]) as client:
            client.sendall(request)
            wanted = expected if isinstance(expected, tuple) else (expected,)
            assert status_of(client) in wanted, request[:200]


def test_a_path_of_any_text_is_no_error_of_ours(engine):
    body = {
        "source": 'clerk: 1\nname: "\\ud800"',
        "path": "a\0b",
        "folder": "/\0",
        "sandbox": "\ud800",
    }
    with engine.api() as api:
        for name, value in body.items():
            told = {"source": "clerk: 1", "path": "p", "folder": "/", name: value}
            answer = api.post(
                "/v1/plans", content=json.dumps(told), headers={"content-type": "application/json"}
            )
            assert answer.status_code in {409, 422}, (name, answer.text)


def test_requests_in_one_go_are_answered_in_order(engine):
    one = b"GET /v1/status HTTP/1.1\r\nhost: c\r\n\r\n"
    last = b"GET /v1/nowhere HTTP/1.1\r\nhost: c\r\nconnection: close\r\n\r\n"
    with connected(doors(engine)[0]) as client:
        client.sendall(one * 50 + last)
        heard = b"".join(iter(lambda: client.recv(65536), b""))
    assert heard.count(b"HTTP/1.1 200 OK") == 50
    assert heard.rindex(b"HTTP/1.1 404 ") > heard.rindex(b"HTTP/1.1 200 OK")


def test_a_reader_that_never_reads_holds_up_nobody(engine):
    with contextlib.ExitStack() as all_open:
        for _ in range(20):
            lazy = all_open.enter_context(connected(doors(engine)[0]))
            lazy.sendall(b"GET /v1/events HTTP/1.1\r\nhost: c\r\n\r\n")
            lazy = all_open.enter_context(connected(doors(engine)[0]))
            lazy.sendall(b"GET /v1/status HTTP/1.1\r\nhost: c\r\n\r\n" * 2000)
        with engine.api() as api:
            for _ in range(100):
                assert api.post("/v1/plans/p/pause").json()["refused"] == []
                assert api.post("/v1/plans/p/resume").json()["refused"] == []


def test_more_clients_than_descriptors_leave_the_engine_its_own(engine):
    resource.prlimit(engine.holder.pid, resource.RLIMIT_NOFILE, (256, 256))
    atrest = descriptors(engine)
    for number, door in enumerate(doors(engine)):
        with contextlib.ExitStack() as all_open:
            clients = [all_open.enter_context(connected(door)) for _ in range(500)]
            assert status_of(clients[-1]) == 503
            until_blocking(lambda: descriptors(engine) < atrest + 140)
            if number:  # sessions fill their own door: the owner's is not theirs
                with engine.api() as api:
                    assert api.get("/v1/status").status_code == 200
            engine.clerk("diff", "a", code=4 if number == 0 else 0)
        until_blocking(lambda: descriptors(engine) <= atrest + 5)
    assert engine.clerk("diff", "a").stdout


def test_half_sent_requests_and_clients_that_vanish_harm_nobody(engine):
    requests = (
        b"GET /v1/sta",
        b"POST /v1/plans HTTP/1.1\r\nhost: c\r\ncontent-length: 100\r\n\r\n{",
        b"GET /v1/events HTTP/1.1\r\nhost: c\r\n\r\n",
        b"POST /v1/plans HTTP/1.1\r\nhost: c\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
        b"GET /v1/plans/p/tasks/a/diff HTTP/1.1\r\nhost: c\r\n\r\n",
    )
    atrest = descriptors(engine)
    for door in doors(engine):
        with contextlib.ExitStack() as held:
            for request in requests * 5:
                held.enter_context(connected(door)).sendall(request)
                with connected(door) as gone:
                    gone.sendall(request)
            answers(engine)
    until_blocking(lambda: descriptors(engine) <= atrest + 5)

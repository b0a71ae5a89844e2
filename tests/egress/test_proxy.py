"""The proxy by its sockets: who gets where, and what clients cannot do to it."""

from __future__ import annotations

import gc
import random
import socket
from pathlib import Path

import anyio
import pytest
from egress.conftest import Service, session
from waiting import until

from orchestrator.egress import conversation as conversation_module
from orchestrator.egress import destination
from orchestrator.errors import UsageError
from orchestrator.gateway import Gateway

pytestmark = pytest.mark.anyio

_GARBLED = 100


async def test_a_listed_host_is_forwarded_to_and_another_is_not(tmp_path: Path, service: Service):
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        good = await way.ask(port, f"GET {service.url}/a HTTP/1.1\r\nhost: x\r\n\r\n")
        bad = await way.ask(port, "GET http://example.org/ HTTP/1.1\r\nhost: x\r\n\r\n")
    assert good.startswith(b"HTTP/1.1 200")
    assert good.endswith(b"hello from /a ")
    assert bad.startswith(b"HTTP/1.1 403")
    assert b"needs.network" in bad.partition(b"\r\n\r\n")[2]
    assert way.told() == [
        ["allowed", "localhost", str(service.port), "0", "14"],
        ["refused", "example.org", "80", "0", "0"],
    ]


async def test_a_refused_host_is_told_of_once(tmp_path: Path):
    async with session(tmp_path, "example.org") as way:
        port = await way.listening()
        for target in ("a.example:443", "a.example:443", "A.example:22", "b.example:443"):
            answer = await way.ask(port, f"CONNECT {target} HTTP/1.1\r\nhost: x\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 403 Not listed in needs.network")
    assert way.refused == ["a.example", "b.example"]


async def test_a_tunnel_carries_both_ways_and_half_closes(tmp_path: Path):
    async def until_the_end(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            heard = b"".join([chunk async for chunk in stream])
            await stream.send(b"heard " + heard)

    server = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = server.extra(anyio.abc.SocketAttribute.local_port)
    async with server, anyio.create_task_group() as serving:
        serving.start_soon(server.serve, until_the_end)
        async with session(tmp_path, f"localhost:{port}") as way:
            proxy = await way.listening()
            head = f"CONNECT localhost:{port} HTTP/1.1\r\nhost: x\r\n\r\n"
            answer = await way.ask(proxy, f"{head}sent ahead")
        serving.cancel_scope.cancel()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nheard sent ahead")
    assert way.told() == [["allowed", "localhost", str(port), "10", "16"]]


async def test_requests_follow_one_another_on_a_connection(tmp_path: Path, service: Service):
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        body = "POST {}/{} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
        both = body.format(service.url, "one") + body.format(service.url, "two")
        answers = await way.ask(port, both)
    assert answers.count(b"HTTP/1.1 200") == 2
    assert [(path, body) for _, path, _, body in service.asked] == [
        ("/one", b"abc"),
        ("/two", b"abc"),
    ]


async def test_the_host_that_is_asked_is_the_one_that_was_judged(tmp_path: Path, service: Service):
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        await way.ask(port, f"GET {service.url}/ HTTP/1.1\r\nhost: other.example\r\n\r\n")
    assert service.asked[0][2]["host"] == f"localhost:{service.port}"


async def test_headers_of_one_hop_stay_on_it(tmp_path: Path, service: Service):
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        mine = "connection: x-mine\r\nx-mine: 1\r\nproxy-authorization: Basic eA==\r\nx-yours: 2"
        answer = await way.ask(
            port, f"GET {service.url}/hops HTTP/1.1\r\nhost: x\r\n{mine}\r\n\r\n"
        )
    asked = service.asked[0][2]
    assert asked["x-yours"] == "2"
    assert not {"x-mine", "proxy-authorization"} & set(asked)
    assert b"x-yours: 2" in answer.lower()
    assert b"x-mine" not in answer.lower()


async def test_an_answer_that_breaks_off_is_broken_off(tmp_path: Path, service: Service):
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        half = await way.ask(port, f"GET {service.url}/broken HTTP/1.1\r\nhost: x\r\n\r\n")
        nonsense = await way.ask(port, f"GET {service.url}/nonsense HTTP/1.1\r\nhost: x\r\n\r\n")
    assert half.endswith(b"\r\n\r\nhalf")
    assert b"content-length: 100" in half.lower()
    assert nonsense.startswith(b"HTTP/1.1 502")


async def test_a_host_that_does_not_answer_is_told_as_that(tmp_path: Path):
    with socket.socket() as bound:  # bound, and not listening: a refused connection
        bound.bind(("127.0.0.1", 0))
        closed = bound.getsockname()[1]
        async with session(tmp_path, f"localhost:{closed}") as way:
            port = await way.listening()
            answer = await way.ask(port, f"CONNECT localhost:{closed} HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502")
    assert way.told() == [["failed", "localhost", str(closed), "0", "0"]]
    assert way.refused == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET http://example.org/ HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"CONNECT example.org HTTP/1.1\r\nhost: x\r\n\r\n", b"400"),
        (b"GET /v1 HTTP/1.1\r\nhost: x\r\n\r\n", b"404"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
        (
            b"POST http://a.example/ HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            b"400",
        ),
    ],
)
async def test_nonsense_is_answered_and_ends_the_connection(tmp_path: Path, sent, status):
    async with session(tmp_path) as way:
        answer = await way.ask(await way.listening(), sent)
    assert answer.split(b" ")[1] == status


async def test_a_client_that_dawdles_is_hung_up_on(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(conversation_module, "HEAD_SECONDS", 0.2)
    async with session(tmp_path) as way:
        port = await way.listening()
        async with await anyio.connect_tcp("127.0.0.1", port) as slow:
            await slow.send(b"GET http://exam")
            with anyio.fail_after(30), pytest.raises(anyio.EndOfStream):
                await slow.receive()


async def test_a_client_that_resets_harms_nobody(tmp_path: Path, service: Service):
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        for _ in range(20):
            rude = socket.create_connection(("127.0.0.1", port))
            rude.sendall(f"GET {service.url}/big?{1 << 26} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            rude.close()
        answer = await way.ask(port, f"GET {service.url}/a HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


async def test_a_hundred_at_once_are_served_with_few_places(
    tmp_path: Path, service: Service, monkeypatch
):
    monkeypatch.setattr("orchestrator.egress._MOST_PLACES", 8)
    answers = []
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()

        async def one(number: int) -> None:
            asked = f"GET {service.url}/{number} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            answers.append(await way.ask(port, asked))

        async with anyio.create_task_group() as clients:
            for number in range(100):
                clients.start_soon(one, number)
    assert sum(answer.startswith(b"HTTP/1.1 200") for answer in answers) == 100


async def test_all_is_closed_when_the_session_ends(tmp_path: Path, service: Service):
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with anyio.fail_after(30):
        async with session(tmp_path, f"localhost:{service.port}") as way:
            port = await way.listening()
            tunnel = socket.create_connection(("127.0.0.1", port))
            tunnel.sendall(f"CONNECT localhost:{service.port} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            stream = socket.create_connection(("127.0.0.1", port))
            stream.sendall(f"GET {service.url}/stream HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            idle = socket.create_connection(("127.0.0.1", port))
            await until(lambda: len(service.asked) == 1)
    assert not way.egress.socket.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    for each in (tunnel, stream, idle):
        each.settimeout(30)
        with each:
            while True:
                try:
                    if not each.recv(1 << 16):
                        break
                except ConnectionResetError:
                    break
    service.go_on.set()
    await until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)


async def test_the_log_is_bounded_and_foreign_text_harmless(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("orchestrator.egress.account._LOG_BYTES", 2000)
    async with session(tmp_path) as way:
        port = await way.listening()
        for number in range(105):
            await way.ask(port, f"CONNECT a{number}.example:443 HTTP/1.1\r\nhost: x\r\n\r\n")
        await way.ask(port, b"CONNECT \x1b[2Jx:443 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert way.log.stat().st_size <= 2200
    assert b"\x1b" not in way.log.read_bytes()
    assert len(way.refused) == 100


async def test_a_list_that_makes_no_sense_opens_nothing(tmp_path: Path):
    with pytest.raises(UsageError):
        async with session(tmp_path, "http://example.org"):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")
async def test_a_large_transfer_leaves_memory_as_it_was(tmp_path: Path, service: Service):
    size = 1 << 28
    async with session(tmp_path, f"localhost:{service.port}") as way:
        port = await way.listening()
        tunnel = f"CONNECT localhost:{service.port} HTTP/1.1\r\nhost: x\r\n\r\n"
        big = f"/big?{size} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        for head in (f"GET {service.url}{big}", f"{tunnel}GET {big}"):
            before, read = _peak_kibibytes(forget=True), 0
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(head.encode())
                while read < size:
                    read += len(await stream.receive())
            assert _peak_kibibytes() - before < 50 * 1024


def _peak_kibibytes(*, forget: bool = False) -> int:
    """The most memory this process has held, since it was last forgotten."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


async def test_no_bytes_end_the_proxy(tmp_path: Path, service: Service):
    """Requests cut, doubled and garbled, on connections that are reset or ended."""
    chance = random.Random(7)
    host = f"localhost:{service.port}"
    seeds = [
        f"GET http://{host}/a HTTP/1.1\r\nhost: x\r\nconnection: close, te\r\n\r\n",
        f"POST http://{host}/a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde",
        f"PUT http://{host}/b HTTP/1.0\r\nconnection: content-length\r\ncontent-length: 2\r\n\r\nab",
        "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        f"POST http://{host}/a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\na",
        f"CONNECT {host} HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\n\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n",
        f"OPTIONS http://{host}/nonsense HTTP/1.1\r\nhost: x\r\n\r\n",
        f"CONNECT {host} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
        f"HEAD http://{host}/broken HTTP/1.1\r\nhost: x\r\n\r\n",
    ]
    given = Gateway("MODEL_URL", service.url, {"x-api-key": "made-up"})
    async with session(tmp_path, host, gateway=given) as way:
        port = await way.listening()
        for number in range(_GARBLED):
            data = bytearray(chance.choice(seeds).encode() * chance.choice((1, 1, 2)))
            for _ in range(chance.choice((0, 1, 3))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            rude = await anyio.connect_tcp("127.0.0.1", port)
            await rude.send(bytes(data[: chance.randint(1, len(data))]))
            if number % 3:
                with anyio.move_on_after(0.02):
                    await rude.receive()
            await rude.aclose()
        answer = await way.ask(port, f"GET {service.url}/z HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.endswith(b"hello from /z ")


async def test_a_name_that_leads_inside_is_refused(tmp_path: Path, service: Service, monkeypatch):
    monkeypatch.setattr(destination, "_look_up", lambda *_: ["127.0.0.1", "10.0.0.1", "::1"])
    async with session(tmp_path, f"rebound.example:{service.port}") as way:
        port = await way.listening()
        there = f"rebound.example:{service.port}"
        tunnel = await way.ask(port, f"CONNECT {there} HTTP/1.1\r\nhost: x\r\n\r\n")
        plain = await way.ask(port, f"GET http://{there}/ HTTP/1.1\r\nhost: x\r\n\r\n")
    for answer in (tunnel, plain):
        assert answer.startswith(b"HTTP/1.1 403")
        assert b"10.0.0.1" not in answer
    assert service.asked == []


async def test_a_name_is_looked_up_once_and_reached_where_it_led(
    tmp_path: Path, service: Service, monkeypatch
):
    """A second look-up would lead to the loopback, where the service is."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    reached = []
    connect = anyio.connect_tcp

    async def recording(remote_host: str, remote_port: int, **more):
        if remote_port == 1234:
            reached.append(remote_host)
            remote_host, remote_port = "127.0.0.1", service.port
        return await connect(remote_host, remote_port, **more)

    monkeypatch.setattr(destination, "_look_up", lambda *_: next(answers))
    async with session(tmp_path, "rebound.example:1234") as way:
        port = await way.listening()
        monkeypatch.setattr(anyio, "connect_tcp", recording)
        answer = await connect("127.0.0.1", port)
        async with answer:
            await answer.send(b"GET http://rebound.example:1234/a HTTP/1.1\r\nhost: x\r\n\r\n")
            told = await answer.receive()
    assert told.startswith(b"HTTP/1.1 200")
    assert reached == ["93.184.215.14"]
    assert next(answers) == ["127.0.0.1"]

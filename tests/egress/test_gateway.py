"""The gateway: a session reaches one service, and never learns the secret."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import trustme
from egress.conftest import Service, session

from orchestrator.errors import UsageError
from orchestrator.gateway import Gateway

pytestmark = pytest.mark.anyio

SECRET = "sk-made-up-4f1d9c"
STAND_IN = "kept-outside"


def gateway(upstream: str, *paths: str) -> Gateway:
    headers = {"X-Api-Key": SECRET}
    return Gateway("MODEL_URL", upstream, headers, {"MODEL_KEY": STAND_IN}, paths)


async def test_requests_get_the_header_they_lack(tmp_path: Path, service: Service):
    async with session(tmp_path, gateway=gateway(f"{service.url}/base/")) as way:
        port = await way.listening()
        asked = "x-api-key: another\r\nauthorization: Bearer kept-outside\r\nx-yours: 1"
        body = "content-length: 3\r\n\r\nabc"
        answer = await way.ask(port, f"POST /v1/m?q=1 HTTP/1.1\r\nhost: x\r\n{asked}\r\n{body}")
        absolute = f"GET http://127.0.0.1:{port}/v1/n HTTP/1.1\r\nhost: x\r\n\r\n"
        assert (await way.ask(port, absolute)).startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello from /base/v1/m?q=1 abc")
    method, path, headers, sent = service.asked[0]
    assert (method, path, sent) == ("POST", "/base/v1/m?q=1", b"abc")
    assert headers["x-api-key"] == SECRET
    assert headers["host"] == f"localhost:{service.port}"
    assert headers["x-yours"] == "1"
    assert "authorization" not in headers
    assert service.asked[1][1] == "/base/v1/n"


async def test_the_secret_is_in_no_file_answer_or_variable(tmp_path: Path, service: Service):
    given = gateway(service.url)
    async with session(tmp_path, gateway=given) as way:
        port = await way.listening()
        answers = [
            await way.ask(port, f"{method} /{path} HTTP/1.1\r\nhost: x\r\n\r\n")
            for method in ("GET", "HEAD", "TRACE")
            for path in ("a", "nonsense", "broken")
        ]
        shown = repr((way.egress, given, way.egress.environment(port)))
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in b"".join(answers) + files
    assert SECRET not in shown
    assert STAND_IN not in way.log.read_text()
    assert any(SECRET in headers.values() for _, _, headers, _ in service.asked)


async def test_events_of_a_stream_come_one_by_one(tmp_path: Path, service: Service):
    async with session(tmp_path, gateway=gateway(service.url)) as way:
        port = await way.listening()
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"POST /stream HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            heard = b""
            with anyio.fail_after(30):
                while b"data: one" not in heard:  # the second is not sent before we have the first
                    heard += await stream.receive()
                assert b"data: two" not in heard
                service.go_on.set()
                while not heard.endswith(b"0\r\n\r\n"):
                    heard += await stream.receive()
    assert b"data: two" in heard


async def test_a_body_without_a_length_is_streamed_on(tmp_path: Path, service: Service):
    async with session(tmp_path, gateway=gateway(service.url)) as way:
        port = await way.listening()
        chunks = "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        answer = await way.ask(port, f"PUT /a HTTP/1.1\r\nhost: x\r\n{chunks}")
    assert answer.endswith(b"hello from /a abcde")


async def test_tls_is_verified(tmp_path: Path, tls_service: Service, authority, monkeypatch):
    async with session(tmp_path, gateway=gateway(tls_service.url)) as way:
        stranger = await way.ask(await way.listening(), "GET /a HTTP/1.1\r\nhost: x\r\n\r\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))
    async with session(tmp_path, gateway=gateway(tls_service.url)) as way:
        known = await way.ask(await way.listening(), "GET /a HTTP/1.1\r\nhost: x\r\n\r\n")
    assert stranger.startswith(b"HTTP/1.1 502")
    assert known.endswith(b"hello from /a ")
    assert len(tls_service.asked) == 1
    assert isinstance(authority[0], trustme.CA)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/v1", b"200"), ("/v1/messages?a=/../b", b"200"), ("/v10", b"404"), ("/admin", b"404")),
        *((f"/v1/{way}admin", b"404") for way in ("../", "%2e%2e/", "./", "/", "..\\", "%252e/")),
    ],
)
async def test_only_the_paths_it_declares_lead_on(tmp_path: Path, service: Service, path, status):
    async with session(tmp_path, gateway=gateway(service.url, "/v1")) as way:
        answer = await way.ask(await way.listening(), f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.split(b" ")[1] == status
    assert len(service.asked) == (status == b"200")


@pytest.mark.parametrize("way", ["..", "%2e%2e", "%252e%252e", "x/..", "x\\..", "..;x"])
async def test_no_path_leads_out_of_the_services_own_base(tmp_path: Path, service: Service, way):
    async with session(tmp_path, gateway=gateway(f"{service.url}/team")) as around:
        port = await around.listening()
        out = await around.ask(port, f"GET /{way}/other HTTP/1.1\r\nhost: x\r\n\r\n")
        below = await around.ask(port, "GET /v1/...?a=/.. HTTP/1.1\r\nhost: x\r\n\r\n")
    assert out.split(b" ")[1] == b"404"
    assert below.split(b" ")[1] == b"200"


async def test_a_service_that_is_not_there_is_told_in_a_sentence(tmp_path: Path):
    async with session(tmp_path, gateway=gateway("http://localhost:1")) as way:
        answer = await way.ask(await way.listening(), "GET /a HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502")
    assert b"localhost:1" in answer


async def test_the_gateway_opens_no_way_to_its_host(tmp_path: Path, service: Service):
    async with session(tmp_path, gateway=gateway(service.url)) as way:
        port = await way.listening()
        answer = await way.ask(
            port, f"CONNECT localhost:{service.port} HTTP/1.1\r\nhost: x\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 403")
    assert service.asked == []


@pytest.mark.parametrize(
    "upstream",
    ["", "example.org", "ftp://a.example", "https://u:p@a.example", "https://", "http://a:b/"],
)
async def test_an_upstream_that_is_no_address_opens_nothing(tmp_path: Path, upstream: str):
    with pytest.raises(UsageError, match="MODEL_URL"):
        async with session(tmp_path, gateway=gateway(upstream)):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_the_environment_leads_to_the_proxy(tmp_path: Path):
    async with session(tmp_path, gateway=gateway("https://a.example")) as way:
        env = way.egress.environment(3128)
    proxy = "http://127.0.0.1:3128"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "MODEL_URL"):
        assert env[name] == proxy
    assert (env["https_proxy"], env["no_proxy"]) == (proxy, "localhost,127.0.0.1,::1")
    assert env["MODEL_KEY"] == STAND_IN

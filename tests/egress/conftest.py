"""What the tests of egress need: services on the loopback, a session's way out, a sandbox."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from array import array
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest
import trustme

from orchestrator.egress import LAUNCHER, Egress, open_egress
from orchestrator.gateway import Gateway

PORT = 3128
"""Where the proxy listens in a sandbox, which has its ports to itself."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Service:
    """A service on this machine's loopback, and what it was asked."""

    url: str = ""
    port: int = 0
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    """Set by a test that has read the first event of a stream."""
    files: dict[str, bytes] = field(default_factory=dict)


class Door(BaseHTTPRequestHandler):
    """Answers by the path."""

    protocol_version = "HTTP/1.1"
    service: Service

    def log_message(self, *args: object) -> None:
        """Nothing on the test's own output."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        headers = {name.lower(): ", ".join(self.headers.get_all(name, ())) for name in self.headers}
        self.service.asked.append((self.command, self.path, headers, body))
        kind = self.path.partition("?")[0].rpartition("/")[2]
        getattr(self, f"_{kind}", self._plain)(body)

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 - the library's names

    def do_TRACE(self) -> None:
        self._answer(bytes(self.headers))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _plain(self, body: bytes) -> None:
        if self.service.files:
            return self._file()
        return self._answer(b"hello from " + self.path.encode() + b" " + body)

    def _file(self) -> None:
        content = self.service.files.get(self.path.partition("?")[0])
        if content is None:
            self.send_error(404)
        else:
            self._answer(content)

    def _answer(self, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for name, value in (*headers, ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hops(self, body: bytes) -> None:
        named = ("connection", "x-mine"), ("x-mine", "1"), ("keep-alive", "5"), ("x-yours", "2")
        self._answer(b"", *named)

    def _stream(self, body: bytes) -> None:
        """One event, and the next only once somebody has seen the first."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"a\r\ndata: one\n\r\n")
        self.service.go_on.wait(30)
        self.wfile.write(b"a\r\ndata: two\n\r\n0\r\n\r\n")

    def _broken(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def _nonsense(self, body: bytes) -> None:
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True

    def _big(self, body: bytes) -> None:
        size = int(self.path.partition("?")[2])
        self.send_response(200)
        self.send_header("content-length", str(size))
        self.end_headers()
        piece = bytes(1 << 20)
        for _ in range(size >> 20):
            self.wfile.write(piece)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of some tests."""


def _serving(tls: ssl.SSLContext | None) -> Iterator[Service]:
    service = Service()
    server = _Server(("127.0.0.1", 0), type("_Door", (Door,), {"service": service}))
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    service.port = server.server_port
    service.url = f"{'https' if tls else 'http'}://localhost:{service.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    """Plain HTTP."""
    yield from _serving(None)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority of our own, and its certificate's file."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


@pytest.fixture
def tls_service(authority: tuple[trustme.CA, Path]) -> Iterator[Service]:
    """HTTPS, with a certificate for localhost by our own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("localhost").configure_cert(context)
    yield from _serving(context)


@dataclass
class Session:
    """An open way out, used from here or from a sandbox."""

    egress: Egress
    log: Path
    refused: list[str]

    def told(self) -> list[list[str]]:
        """The lines of the log without their times; complete once the way is closed."""
        return [line.split()[1:] for line in self.log.read_text().splitlines()]

    async def hand_over(self, *sockets: socket.socket) -> bytes:
        """Send descriptors as a launcher does; what the engine answers."""
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(str(self.egress.socket))
            numbers = array("i", [each.fileno() for each in sockets])
            engine.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
            engine.setblocking(False)
            with anyio.fail_after(30):
                await anyio.wait_readable(engine)
            return engine.recv(1)

    async def listening(self) -> int:
        """A port of this machine's loopback at which the proxy answers."""
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            assert await self.hand_over(listener) == b"1"
            return listener.getsockname()[1]

    async def ask(self, port: int, text: str | bytes) -> bytes:
        """All that the proxy answers to bytes on one connection, ours half-closed."""
        data = text.encode() if isinstance(text, str) else text
        with anyio.fail_after(30):
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(data)
                await stream.send_eof()
                return b"".join([chunk async for chunk in stream])

    async def inside(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a network namespace of its own, by way of the launcher."""
        launched = (sys.executable, "-I", "-S", LAUNCHER, str(self.egress.socket), str(PORT), "--")
        environment = {"PATH": os.environ["PATH"], **self.egress.environment(PORT), **env}
        with anyio.fail_after(60):
            done = await anyio.run_process(
                [*sandboxed(), *launched, *command], env=environment, check=False
            )
        return subprocess.CompletedProcess(
            command, done.returncode, done.stdout.decode(), done.stderr.decode()
        )


def sandboxed(*powers: str) -> list[str]:
    """A namespace without a network, and nothing else that is in the way."""
    program = shutil.which("bwrap")
    if program is None:
        missing("bubblewrap; on Debian: apt-get install bubblewrap")
    held = ["--unshare-net", "--unshare-pid", "--die-with-parent", "--dev-bind", "/", "/"]
    return [str(program), *powers, *held, "--proc", "/proc"]


def missing(what: str) -> None:
    pytest.skip(f"missing: {what}")


def client(name: str) -> str:
    """Where a client program is."""
    found = shutil.which(name)
    if found is None:
        missing(name)
    return str(found)


@asynccontextmanager
async def session(
    folder: Path, *allowed: str, gateway: Gateway | None = None
) -> AsyncIterator[Session]:
    """A session that may reach ``allowed``."""
    refused: list[str] = []
    log = folder / "egress.log"
    opened = open_egress(folder, allowed, gateway=gateway, log=log, on_refused=refused.append)
    async with opened as egress:
        yield Session(egress, log, refused)

"""What a session hands over, and what it does with it afterwards."""

from __future__ import annotations

import contextlib
import os
import socket
from array import array
from pathlib import Path

import anyio
import pytest
from egress.conftest import Service, session
from waiting import until

from orchestrator.egress import handover

pytestmark = pytest.mark.anyio


def _open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _all_of(reader: socket.socket) -> None:
    while reader.recv(1 << 20):
        pass


async def test_only_a_listening_tcp_socket_is_taken(tmp_path: Path):
    async with session(tmp_path) as way:
        deaf = socket.socket()
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(tmp_path / "other.sock"))
        local.listen()
        with deaf, datagrams, local, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            before = _open()
            for each in (deaf, datagrams, local, other):
                assert await way.hand_over(each) == b""
            await until(lambda: _open() <= before)
        assert await way.listening()


async def test_what_is_no_socket_is_closed_again(tmp_path: Path):
    async with session(tmp_path) as way:
        before = _open()
        with socket.socket(socket.AF_UNIX) as engine, (tmp_path / "file").open("w") as file:
            engine.connect(str(way.egress.socket))
            numbers = array("i", [file.fileno()] * 20)
            engine.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
            engine.setblocking(False)
            await anyio.wait_readable(engine)
            assert engine.recv(1) == b""
        await until(lambda: _open() <= before)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(way.egress.socket))
            silent.send(b"words")
        assert await way.listening()


async def test_a_session_has_a_few_listeners_and_no_more(tmp_path: Path):
    async with session(tmp_path) as way:
        for _ in range(4):
            await way.listening()
        with socket.create_server(("127.0.0.1", 0)) as fifth:
            assert await way.hand_over(fifth) == b""


async def test_senders_that_say_nothing_keep_nobody_waiting(tmp_path: Path):
    async with session(tmp_path) as way:
        silent = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for each in silent:
            each.connect(str(way.egress.socket))
        await way.listening()
        for each in silent:
            each.close()


async def test_a_listener_taken_back_stops_nothing(tmp_path: Path, service: Service):
    """The session keeps a copy, makes it blocking, and takes connections before we do."""
    async with session(tmp_path, f"localhost:{service.port}") as way:
        with socket.create_server(("127.0.0.1", 0)) as hostile:
            assert await way.hand_over(hostile) == b"1"
            hostile.setblocking(True)
            at = hostile.getsockname()
            for _ in range(50):
                with socket.create_connection(at):
                    hostile.settimeout(0.01)  # of this copy alone; what is shared is O_NONBLOCK
                    os.set_blocking(hostile.fileno(), True)
                    with contextlib.suppress(TimeoutError, BlockingIOError):
                        hostile.accept()[0].close()
                await anyio.lowlevel.checkpoint()
            os.set_blocking(hostile.fileno(), True)
            answer = await way.ask(
                await way.listening(), f"GET {service.url}/a HTTP/1.1\r\nhost: x\r\n\r\n"
            )
    assert answer.startswith(b"HTTP/1.1 200")


async def test_an_accept_that_blocks_does_not_hold_up_the_loop(tmp_path: Path, monkeypatch):
    """The race won by the session: told of a connection, we find none, and would wait for ever."""

    async def readable(*_: object) -> None:
        await anyio.lowlevel.checkpoint()

    with socket.create_server(("127.0.0.1", 0)) as hostile:
        listener = handover.Listener(hostile.dup())
        os.set_blocking(hostile.fileno(), True)
        with monkeypatch.context() as patched:
            patched.setattr(handover.anyio, "wait_readable", readable)
            with anyio.move_on_after(0.1) as limit:
                await listener.accept()
        assert limit.cancelled_caught
        with anyio.fail_after(30):
            await listener.close()


async def test_a_socket_that_would_linger_is_cut_off(tmp_path: Path):
    """What it has not sent yet could hold up its last close for an hour."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lingering = socket.create_connection(server.getsockname())
        reader, _ = server.accept()
        lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\x10\x0e\0\0")
        lingering.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                lingering.send(b"x" * 65536)
        async with session(tmp_path) as way:
            with socket.socket(socket.AF_UNIX) as engine:
                engine.connect(str(way.egress.socket))
                numbers = array("i", [lingering.fileno()])
                engine.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
                lingering.close()
                engine.setblocking(False)
                with anyio.fail_after(30):
                    await anyio.wait_readable(engine)
        reader.settimeout(30)
        with reader, pytest.raises(ConnectionResetError):
            _all_of(reader)


async def test_a_folder_with_a_long_name_will_do(tmp_path: Path):
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    async with session(folder) as way:
        assert way.egress.socket.is_socket()
        assert way.egress.socket.stat().st_mode & 0o777 == 0o666
    assert not way.egress.socket.exists()

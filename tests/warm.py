"""``python -m MODULE`` without the second it takes to import everything.

A server that has imported all forks each command, so that hundreds of tests pay for the imports
once. What makes a command another one than a fresh interpreter would run stays out: the server
has no threads, a command has the descriptors, environment, folder, signals and arguments it was
given and nothing of the server's, and its module is run as ``-m`` runs it. What only a fresh
interpreter obeys (``fits``), and whoever asks about starting itself, goes without the server.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace

TESTS = Path(__file__).parent
PACKET = 1 << 17

_IMPORTS = (
    "orchestrator.cli.engine",
    "orchestrator.cli.run",
    "orchestrator.cli.show",
    "orchestrator.cli.plan",
    "orchestrator.cli.follow",
    "orchestrator.cli.progress",
    "orchestrator.cli.outcome",
    "orchestrator.cli.task_page",
    "orchestrator.engine",
    "orchestrator.api.server",
    "orchestrator.api.client",
    "orchestrator.api.stored",
    "orchestrator.agents.command",
    "orchestrator.agents.replay",
    "orchestrator.sandboxes.none",
    "orchestrator.sandboxes.bubblewrap",
    "orchestrator.executors.local",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.lifespan.on",
    "httpx",
    "httpcore",
    "anyio._backends._asyncio",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "PATH", "TZ", "GIT_PYTHON")


def fits(env: Mapping[str, str]) -> bool:
    """Whether a fresh interpreter would start with ``env`` as the server did with ours."""
    return _of_the_interpreter(env) == _of_the_interpreter(os.environ)


def _of_the_interpreter(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_OF_THE_INTERPRETER)}


class Command(subprocess.Popen):
    """``[python, "-m", MODULE, *args]``, forked by the server; else it is a Popen."""

    def _execute_child(self, args, *more):
        cwd, env, stdio, session = more[4], more[5], more[9:15], more[-2]
        p2cread, _, _, c2pwrite, _, errwrite = stdio
        order = {
            "argv": list(args[2:]),
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
            "session": session,
        }
        given = [own if fd == -1 else fd for own, fd in enumerate((p2cread, c2pwrite, errwrite))]
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(server())
        socket.send_fds(self._server, [json.dumps(order).encode()], given)
        self.pid = int(self._server.recv(PACKET))
        self._child_created = True
        self._close_pipe_fds(*stdio)

    def _internal_poll(self, _deadstate=None, **_) -> int | None:
        if self.returncode is None and select.select([self._server], [], [], 0)[0]:
            self._wait(None)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._server.recv(PACKET))
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout) from None
            self._server.close()
        return self.returncode


@cache
def server() -> str:
    """Where the server of this process listens; it is started when first asked for."""
    path = Path(tempfile.mkdtemp(prefix="warm-"), "socket")
    started = subprocess.Popen(
        [sys.executable, "-m", "warm", path],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_end, started, path)
    assert started.stdout.readline(), "the server of warm commands did not start"
    return str(path)


def _end(started: subprocess.Popen[bytes], path: Path) -> None:
    started.stdin.close()
    started.wait()
    started.stdout.close()
    path.unlink(missing_ok=True)
    path.parent.rmdir()


class _Server:
    """One process, one thread: what it forks is as good as fresh."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(path)
        self._listener.listen(64)
        self._sources = selectors.DefaultSelector()
        self._sources.register(self._listener, selectors.EVENT_READ)
        self._sources.register(0, selectors.EVENT_READ)
        self._clients: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> None:
        """Until the process that started us has ended."""
        while True:
            for source, _ in self._sources.select():
                if source.fileobj is self._listener:
                    self._begin()
                elif source.fd == 0:
                    return
                else:
                    self._conclude(source.fd)

    def _begin(self) -> None:
        client, _ = self._listener.accept()
        packet, given, _, _ = socket.recv_fds(client, PACKET, 3)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pid = os.fork()
        if not pid:
            self._leave(client)
            _become(json.loads(packet), given, self._path)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for fd in given:
            os.close(fd)
        pidfd = os.pidfd_open(pid)
        self._clients[pidfd] = (pid, client)
        self._sources.register(pidfd, selectors.EVENT_READ)
        client.send(str(pid).encode())

    def _leave(self, client: socket.socket) -> None:
        self._sources.close()
        self._listener.close()
        client.close()
        for pidfd, (_, other) in self._clients.items():
            os.close(pidfd)
            other.close()

    def _conclude(self, pidfd: int) -> None:
        pid, client = self._clients.pop(pidfd)
        self._sources.unregister(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with client, suppress(BrokenPipeError):  # who started an engine has ended long ago
            client.send(str(code).encode())


def _become(order: dict, given: Sequence[int], server: str) -> None:
    """Be the command; never returns."""
    code = 1
    try:
        _take_over(order, given, server)
        code = _run(order["argv"])
    except BaseException:  # noqa: BLE001 - what an interpreter does with what nobody caught
        traceback.print_exc()
    finally:
        os._exit(_finalized(code))


def _take_over(order: dict, given: Sequence[int], server: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for own, fd in enumerate(given):
        os.dup2(fd, own)
        os.close(fd)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=stream is sys.stderr or stream.isatty())
    if order["session"]:
        os.setsid()
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    _forget(server)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _forget(path: str) -> None:
    """What modules have learnt of the process they were imported in."""
    time.tzset()
    tempfile.tempdir = None
    orphans = sys.modules["orchestrator.supervision.orphans"]
    orphans._household = orphans._Household()
    crash_points = sys.modules["orchestrator.crash_points"]
    crash_points._script = crash_points._from(os.environ)
    globals()["server"] = lambda: path
    connection = sys.modules["orchestrator.cli.connection"]
    connection.subprocess = SimpleNamespace(Popen=Command, DEVNULL=subprocess.DEVNULL)


def _run(argv: list[str]) -> int:
    sys.argv = argv
    sys.path[0] = str(Path.cwd())
    try:
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


def _finalized(code: int) -> int:
    """What an interpreter does at its end."""
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return 120
    return code


def _main(path: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is for the commands
    for name in _IMPORTS:
        importlib.import_module(name)
    assert threading.active_count() == 1, "no command may be forked beside a thread"
    gc.collect()
    gc.freeze()
    server = _Server(path)
    print("ready", flush=True)
    server.serve()


if __name__ == "__main__":
    _main(sys.argv[1])

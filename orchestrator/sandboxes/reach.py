"""An attack on what a sandbox that shares the machine's network must hold: whom a job can reach.

Listeners of ours stand ready in every way known to slip past rules about paths and ports: TCP,
its first packet, TCP by another protocol, UDP, sockets with a name in the file system and without
one. A sandbox that lets a job come to any of them does not hold.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.sandboxes.toolchain import program_paths
from orchestrator.supervision.job import Job
from orchestrator.supervision.process import supervise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.sandboxes import Sandbox

_SECONDS = 20.0

SCRIPT = r"""
import socket, sys
port, named, unnamed = int(sys.argv[1]), sys.argv[2], "\0" + sys.argv[3]
inet, unix, stream, datagram = socket.AF_INET, socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM
here = ("127.0.0.1", port)
def connected(*kind, to):
    socket.socket(*kind).connect(to)
def sent(sock, *more):
    sock.sendto(b"x", *more)
def turned(to):
    socket.socketpair(unix, datagram)[0].connect(to)
ways = {
    "by TCP": lambda: connected(inet, stream, to=here),
    "by the first packet of TCP": lambda: sent(socket.socket(inet, stream), 0x20000000, here),
    "by multipath TCP": lambda: connected(inet, stream, 262, to=here),
    "by UDP": lambda: sent(socket.socket(inet, datagram), here),
    "at a named socket": lambda: connected(unix, stream, to=named),
    "at a named socket by datagram": lambda: turned(named + ".datagram"),
    "at an unnamed socket": lambda: connected(unix, stream, to=unnamed),
    "by a port of its own": lambda: socket.socket(inet, stream).bind(("127.0.0.1", 0)),
}
for name, way in ways.items():
    try:
        way()
    except OSError as error:
        print("refused", name, error.errno)
    else:
        print("reached", name)
print("attacked")
"""


async def reach(sandbox: Sandbox) -> str:
    """Why ``sandbox`` does not hold here, in a sentence; empty when nobody was reached."""
    told = await whom_it_reached(sandbox)
    if "attacked" not in told:
        return f"it does not start here: {told[-1] if told else 'it said nothing'}"
    reached = [line.removeprefix("reached ") for line in told if line.startswith("reached ")]
    if reached:
        return f"it does not hold here: others on this machine were reached {', '.join(reached)}"
    return ""


async def whom_it_reached(sandbox: Sandbox) -> list[str]:
    """What the script said, line by line."""
    with tempfile.TemporaryDirectory(prefix="clerk-probe-") as name, contextlib.ExitStack() as held:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        unnamed = f"clerk-{secrets.token_hex(8)}"
        port = _listening(folder, unnamed, held)
        (folder / "inside").mkdir()
        job = Job(
            argv=_command(port, folder, unnamed),
            cwd=folder / "inside",
            env={"PATH": "/usr/bin:/bin"},
            cookie="probe",
            log=folder / "log",
            wall_seconds=_SECONDS,
        )
        python = program_paths(_python())
        await supervise(sandbox.wrap(job, Enclosure(who="probe", readable=python)))
        return (folder / "log").read_text("utf-8", "replace").splitlines()


def _command(port: int, folder: Path, unnamed: str) -> tuple[str, ...]:
    return (str(_python()), "-I", "-S", "-c", SCRIPT, str(port), str(folder / "socket"), unnamed)


def _python() -> Path:
    """The system's, which every user may run; ours may lie in a home."""
    return Path(shutil.which("python3", path=os.defpath) or sys.executable).resolve()


def _listening(folder: Path, unnamed: str, held: contextlib.ExitStack) -> int:
    """Open every listener; the number of the one that has a port."""
    for listener in _listeners(folder, unnamed):
        held.enter_context(listener)
        if listener.family == socket.AF_INET:
            port: int = listener.getsockname()[1]
    return port


def _listeners(folder: Path, unnamed: str) -> Iterator[socket.socket]:
    for kind, name in (
        (socket.SOCK_STREAM, str(folder / "socket")),
        (socket.SOCK_DGRAM, str(folder / "socket.datagram")),
        (socket.SOCK_STREAM, f"\0{unnamed}"),
    ):
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.bind(name)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        else:
            (folder / "socket.datagram").chmod(0o777)
        yield listener
    (folder / "socket").chmod(0o777)
    yield socket.create_server(("127.0.0.1", 0))

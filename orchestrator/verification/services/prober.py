"""Asks a service whether it is ready, from where its checks will ask.

    python -I -S prober.py SECONDS PORTS WAY WORD...

First PORTS (``8080,8081``) must be free: whoever listens there already is not the service. Then
``free`` is written, the service may start, and WAY (``http HOST PORT TARGET SCHEME``,
``tcp HOST PORT``, ``command LINE``, or ``nothing``) is asked until it is well or SECONDS are over.
Ends with ``ready`` and 0, ``late ANSWER`` and 1, or ``taken PORT`` and 3. Runs in the sandbox
with whatever Python is there, so it imports nothing of ours; each answer is one line.
"""

from __future__ import annotations

import os
import socket
import sys
import time

TYPE_CHECKING = False  # the module of that name costs as much as all the others
if TYPE_CHECKING:
    from collections.abc import Callable

READY, LATE, USAGE, TAKEN = 0, 1, 2, 3

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25
_LEAST_SECONDS = 0.05
_NOT_FOUND, _BROKEN = 404, 500
_LONGEST_LINE = 4096


class NotYetError(Exception):
    """It is not ready, and this is what it answered."""


def main() -> int:
    seconds, ports, way, *words = sys.argv[1:]
    for port in filter(None, ports.split(",")):
        if is_taken(int(port)):
            say(f"taken {port}")
            return TAKEN
    say("free")
    return ask_until_ready(WAYS[way], words, float(seconds))


def is_taken(port: int) -> bool:
    return any(_answers(host, port) for host in ("127.0.0.1", "::1"))


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def ask_until_ready(ask: Callable[..., None], words: list[str], seconds: float) -> int:
    due, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        try:
            ask(max(_LEAST_SECONDS, due - time.monotonic()), *words)
        except NotYetError as answer:
            last = str(answer)
        except OSError as error:
            last = error.strerror or str(error)
        else:
            say("ready")
            return READY
        if time.monotonic() + pause >= due:
            say(f"late {last}")
            return LATE
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)


def ask_http(left: float, host: str, port: str, target: str, scheme: str) -> None:
    with socket.create_connection((host, int(port)), timeout=left) as plain:
        sock = encrypted(plain) if scheme == "https" else plain
        name = f"[{host}]" if ":" in host else host
        request = f"GET {target} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
        sock.sendall(request.encode())
        head = sock.makefile("rb").readline(_LONGEST_LINE).split()
    if len(head) < 2 or not head[0].startswith(b"HTTP/") or not head[1].isdigit():
        raise NotYetError("it answered, but not in HTTP")
    status = int(head[1])
    if status == _NOT_FOUND or status >= _BROKEN:
        raise NotYetError(f"it answered {status}")


def encrypted(plain: socket.socket) -> socket.socket:
    """Nobody else is there to be taken for it, so its certificate is not judged."""
    import ssl  # noqa: PLC0415 - loads slowly, and few want it

    return ssl._create_unverified_context().wrap_socket(plain)  # noqa: S323, SLF001


def ask_tcp(left: float, host: str, port: str) -> None:
    with socket.create_connection((host, int(port)), timeout=left):
        pass


def ask_command(left: float, line: str) -> None:
    """Run a command to its end, or to the end of our time; its last line is its answer."""
    import signal  # noqa: PLC0415 - loads slowly, and few want it
    import subprocess  # noqa: PLC0415

    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"said.{os.getpid()}")  # noqa: PTH118, S108
    with open(path, "w+b") as said:  # noqa: PTH123 - no pathlib
        os.unlink(path)  # noqa: PTH108
        child = subprocess.Popen(
            ("sh", "-c", line),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            code = child.wait(left)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise NotYetError("its command was still running") from None
        if code:
            said.seek(max(0, said.tell() - _LONGEST_LINE))
            raise NotYetError(f"its command ended with {code}{last_line(said.read())}")


def last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def ask_nothing(_left: float) -> None:
    pass


WAYS: dict[str, Callable[..., None]] = {
    "http": ask_http,
    "tcp": ask_tcp,
    "command": ask_command,
    "nothing": ask_nothing,
}


def say(line: str) -> None:
    sys.stdout.write(line.replace("\n", " ") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

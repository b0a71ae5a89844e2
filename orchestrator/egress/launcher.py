"""Starts a command in its network namespace and hands its way out to the engine.

    python -I -S launcher.py SOCKET PORT -- COMMAND...

Listens on 127.0.0.1:PORT, sends the listening socket through the unix socket SOCKET, waits until
it was taken and becomes COMMAND: the engine then answers at a port of a namespace it is not in,
and no process stands in between. Runs inside the sandbox with whatever Python is there (3.8 or
newer), so it imports nothing of ours; without a way out the command does not start.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from array import array

TAKEN = b"1"
BACKLOG = 256
LIMIT_SECONDS = 30
CANNOT_START, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127


def main() -> None:
    path, port, dashes, *command = sys.argv[1:]
    if dashes != "--" or not command:
        leave("usage: launcher.py SOCKET PORT -- COMMAND...", CANNOT_START)
    try:
        hand_over(path, int(port))
    except OSError as error:
        leave(f"the proxy at {path} could not be reached: {error}", CANNOT_START)
    become(command)


def hand_over(path: str, port: int) -> None:
    """Give the engine a socket that listens here; ours is closed when this returns."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(BACKLOG)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.settimeout(LIMIT_SECONDS)
            engine.connect(path)
            descriptors = array("i", [listening.fileno()])
            engine.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
            if engine.recv(1) != TAKEN:
                raise ConnectionRefusedError("it takes no more listeners")


def become(command: list[str]) -> None:
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and that would be inherited
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - that is what it is for
    except FileNotFoundError:
        leave(f"{command[0]}: not found", NOT_FOUND)
    except OSError as error:
        leave(f"{command[0]}: {error.strerror}", NOT_EXECUTABLE)


def leave(sentence: str, code: int) -> None:
    sys.stderr.write(f"clerk: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()

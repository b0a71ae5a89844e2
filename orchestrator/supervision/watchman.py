"""The watchman: a small process that outlives the engine only to clear up after it.

Started once per engine as ``python -I -S watchman.py COOKIE`` with a pipe from the engine as
its standard input. The engine never writes to it; the pipe ends when the engine does, even by
``kill -9``, and then every process that carries the engine's cookie in its environment is
killed. Standard library only, and nothing of ours: it must start fast and depend on nothing
that a crash could have broken. What is killed is known by number and start time, through a
pidfd, so that a number used again is never hit. The engine's own short commands get a while to
end by themselves: a git that is killed leaves its locks behind and a checkout half brought along.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import NamedTuple

COOKIE = "CLERK_COOKIE"
SHORT_COMMAND = "run"
"""What the cookie of a command ends with that the engine runs for itself; it has all its input."""

_PAUSE_SECONDS = 0.02
_ROUNDS = 500
_PATIENT_ROUNDS = 200


class Stat(NamedTuple):
    """What /proc says of a process; ``started`` is in clock ticks since boot."""

    state: str
    parent: int
    session: int
    started: int
    resident_pages: int

    @property
    def has_ended(self) -> bool:
        """Whether it is only unreaped."""
        return self.state in "ZX"


def read_stat(pid: int) -> Stat | None:
    """The process of that number, None when there is none (or no /proc).

    Where only its first thread has ended, the kernel shows an ended process without memory, and
    this one of those that go on.
    """
    line = _read(f"/proc/{pid}/stat")
    fields = line.rpartition(b")")[2].split(maxsplit=22)
    if not fields:
        return None
    numbers = (int(fields[place]) for place in (1, 3, 19, 21))
    stat = Stat(fields[0].decode(), *numbers)
    if stat.has_ended and int(fields[17]) > 1:
        for thread in _threads(pid):
            other = _read(f"/proc/{pid}/task/{thread}/stat").rpartition(b")")[2].split(maxsplit=22)
            if other and other[0].decode() not in "ZX":
                return stat._replace(state=other[0].decode(), resident_pages=int(other[21]))
    return stat


def read_cookie(pid: int) -> str:
    """The cookie in a process's environment; empty where there is none, or it may not be read."""
    environ = _read(f"/proc/{pid}/environ")
    if not environ and len(threads := _threads(pid)) > 1:  # the first took its view of it along
        seen = (_read(f"/proc/{pid}/task/{thread}/environ") for thread in threads)
        environ = next(filter(None, seen), b"")
    cookie = (b"\0" + environ).partition(f"\0{COOKIE}=".encode())[2].partition(b"\0")[0]
    return cookie.decode("utf-8", "replace")


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - pathlib doubles the start
    except OSError:
        return []


def _read(path: str) -> bytes:
    """All of a file of /proc; nothing where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib doubles the start
            return file.read()
    except OSError:
        return b""


def kill_marked(prefix: str) -> int:
    """Kill every process whose cookie starts with ``prefix``; how many were killed.

    With each go the rest of its session (a job has a session of its own, and only jobs have the
    cookie) and all its descendants, which may have wiped their environment. Short commands are
    killed after some four seconds only. Ends when none was found twice in a row, or after about
    ten seconds of processes that keep coming. Blocking. A system without /proc shows nothing, so
    nothing is killed there.
    """
    killed, quiet = 0, 0
    for number in range(_ROUNDS):
        found = living()
        marked = _marked(prefix, found)
        spared = _short(marked) if number < _PATIENT_ROUNDS else set()
        doomed = _with_kin(marked.keys() - spared, found)
        killed += sum(_kill(pid, found[pid]) for pid in doomed)
        quiet = 0 if marked else quiet + 1
        if quiet == 2:
            break
        time.sleep(_PAUSE_SECONDS)
    return killed


def _marked(prefix: str, found: dict[int, Stat]) -> dict[int, str]:
    cookies = {pid: read_cookie(pid) for pid in found}
    return {pid: cookie for pid, cookie in cookies.items() if cookie.startswith(prefix)}


def _short(marked: dict[int, str]) -> set[int]:
    return {pid for pid, cookie in marked.items() if cookie.endswith(f":{SHORT_COMMAND}")}


def living() -> dict[int, Stat]:
    """All processes but this one, without those that have ended and are only unreaped."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - pathlib doubles the start
    except OSError:
        return {}
    numbers = {int(name) for name in names if name.isdigit()} - {os.getpid()}
    stats = {pid: read_stat(pid) for pid in numbers}
    return {pid: stat for pid, stat in stats.items() if stat and not stat.has_ended}


def _with_kin(marked: set[int], found: dict[int, Stat]) -> set[int]:
    if not marked:
        return marked
    sessions = {found[pid].session for pid in marked}
    kin = marked | {pid for pid, stat in found.items() if stat.session in sessions}
    while children := {pid for pid, stat in found.items() if stat.parent in kin} - kin:
        kin |= children
    return kin


def _kill(pid: int, stat: Stat) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        now = read_stat(pid)
        if now is None or now.started != stat.started:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def main() -> None:
    """Wait for the engine's end, then clear up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    kill_marked(sys.argv[1])


if __name__ == "__main__":
    main()

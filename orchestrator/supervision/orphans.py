"""The promise that nothing outlives its job or its engine, as far as it holds unsandboxed.

Every child of the supervisor carries a cookie in its environment. The engine adopts orphans
(Linux: PR_SET_CHILD_SUBREAPER), so that what detaches from a job by ``setsid`` and double forks
becomes a child of the engine, where it is found and killed once its job has ended; when the
engine itself dies, the watchman kills by the cookie. A process that keeps forking away from
under us can win this race; a PID namespace (the sandbox) cannot be outrun. Where the system is
not Linux, process groups are all there is.

Strays are told from the engine's own children by their session: every job is started in a
session of its own, and no process can ever enter another one's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.supervision import watchman
from orchestrator.supervision.watchman import COOKIE, Stat, read_cookie, read_stat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PR_SET_CHILD_SUBREAPER = 36
_CLEAR_SECONDS = 5.0
_WATCHMAN_SECONDS = 15.0


class _Household:
    """What this process knows of its children; one per process, as adoption is."""

    def __init__(self) -> None:
        self.cookie = f"{os.getpid()}.{secrets.token_hex(8)}"
        self.adopts = False
        self.living: dict[int, str] = {}


_household = _Household()


def adopt_orphans(engine_cookie: str) -> bool:
    """Make this process the parent of its descendants' orphans; whether the system can.

    ``engine_cookie`` marks all children from now on; it should start with an id of the
    repository, for ``sweep``. Call it once, before any child is started.
    """
    _household.cookie = engine_cookie
    _household.adopts = _set_subreaper(1)
    return _household.adopts


def disown_orphans() -> None:
    """Undo ``adopt_orphans``."""
    if _household.adopts:
        _household.adopts = not _set_subreaper(0)


def full_cookie(cookie: str) -> str:
    """The value of CLERK_COOKIE for a job of this engine."""
    return f"{_household.cookie}:{cookie}"


def register(pid: int, cookie: str) -> None:
    """Remember a child that its supervisor looks after itself."""
    _household.living[pid] = full_cookie(cookie)


def unregister(pid: int) -> None:
    """Forget a child that was reaped; what it left behind are strays from now on."""
    _household.living.pop(pid, None)


def adopted(children: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Number and cookie of those ``children`` of this process that no supervisor of ours started."""
    for pid in children:
        if pid not in _household.living:
            yield pid, read_cookie(pid)


def bury() -> None:
    """Reap adopted orphans that have ended; a tool that polls for their end would wait for ever."""
    for pid, stat in _strangers():
        if stat.has_ended:
            _reap(pid)


async def clear() -> None:
    """Kill and reap every adopted orphan that belongs to no living job.

    An orphan belongs to a job when it is in the session of its leader or carries its cookie.
    Costs one short read when there is none. Whoever ended between that read and a look at it left
    us children that were not in it: only a read that finds nobody is the last. Gives up after a
    few seconds of processes that fork faster than they are killed.
    """
    pause = 0.001
    with anyio.move_on_after(_CLEAR_SECONDS, shield=True):
        while (strays := _strays()) is not None:
            for pid in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            await anyio.sleep(pause)
            pause = min(0.05, pause * 2)


def sweep(prefix: str) -> int:
    """Kill what crashed engines left: all whose engine cookie starts with ``prefix``.

    How many were killed. Blocking; to be called by the one engine of a repository before it
    starts anything. Processes whose environment may not be read are skipped.
    """
    return watchman.kill_marked(prefix)


@contextlib.contextmanager
def household(mark: str) -> Iterator[None]:
    """For who holds the lock of the repository known as ``mark``.

    Nothing that an earlier holder left may live on, nor anything of this one after it.
    """
    sweep(f"{mark}.")
    cookie = f"{mark}.{os.getpid()}.{time.time_ns()}"
    adopt_orphans(cookie)
    try:
        watchman_of_ours = Watchman(cookie)
        try:
            yield
        finally:
            watchman_of_ours.dismiss()
    finally:
        disown_orphans()


class Watchman:
    """The process that clears up when this one dies; see ``orchestrator.supervision.watchman``.

    Has a session of its own, so that no Ctrl-C reaches it, and no cookie.
    """

    def __init__(self, engine_cookie: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", watchman.__file__, f"{engine_cookie}:"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        self.pid = self._process.pid
        register(self.pid, "watchman")

    def dismiss(self) -> None:
        """Let it clear up now and wait for its end. Blocking, usually some 30 ms. Idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_WATCHMAN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        unregister(self.pid)


def _strays() -> list[int] | None:
    """Adopted orphans to be killed, those that had ended being reaped; None where there was neither."""
    jobs = set(_household.living.values())
    strays, reaped = [], False
    for pid, stat in _strangers():
        if stat.has_ended:
            _reap(pid)
            reaped = True
        elif stat.session not in _household.living and read_cookie(pid) not in jobs:
            strays.append(pid)
    return strays if strays or reaped else None


def _strangers() -> Iterator[tuple[int, Stat]]:
    """Each child that neither we nor a living job's leader started."""
    if not _household.adopts:
        return
    own = os.getsid(0)
    for pid in _children():
        if pid in _household.living:
            continue
        stat = read_stat(pid)
        if stat is None or stat.session == own:
            continue
        if stat.has_ended or stat.session not in _household.living:
            yield pid, stat


def _children() -> list[int]:
    """Children of the main thread, which is the one the kernel gives orphans to."""
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in listed.split()]


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _set_subreaper(value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, value, 0, 0, 0) == 0)


__all__ = [
    "COOKIE",
    "Watchman",
    "adopt_orphans",
    "adopted",
    "bury",
    "clear",
    "disown_orphans",
    "full_cookie",
    "register",
    "sweep",
    "unregister",
]

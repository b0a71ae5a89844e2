"""One child process: the leader of a session and group of its own.

Spawned from the event loop's thread, never through a shell of ours, never with ``preexec_fn``
(slow, and unsafe beside threads). Its end is told by a pidfd, so that no watcher thread and no
SIGCHLD handler is needed. The group is signalled while its leader is unreaped, or while it has
members: in both cases its number cannot belong to anyone else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from orchestrator.supervision import orphans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

_POLL_SECONDS = 0.02
"""How often an end is looked for where the system has no pidfd."""


class Child:
    """A running child; ``process`` is its Popen, reaped by ``reap`` alone.

    An ``enclosed`` one only stands guard over a PID namespace: its command is spoken to by way
    of the namespace's first process, whose group it is in. A signal to the guard alone would end
    everything at once.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], cookie: str, *, enclosed: bool = False
    ) -> None:
        self.process = process
        self.pid = process.pid
        self._enclosed = enclosed
        self._pidfd = _open_pidfd(process.pid)
        orphans.register(process.pid, cookie)

    @classmethod
    def spawn(
        cls,
        argv: Sequence[str],
        *,
        cwd: str | Path,
        env: Mapping[str, str],
        cookie: str,
        stdin: int | IO[bytes],
        stdout: int | IO[bytes],
        stderr: int | IO[bytes],
        handed: Sequence[int] = (),
        enclosed: bool = False,
    ) -> Child:
        """Start ``argv`` in a new session; raises OSError or ValueError (see ``why_not``).

        Only from the main thread: a guard dies with the *thread* that started it, and the kernel
        gives orphans to the main one.
        ``env`` is complete but for CLERK_COOKIE, the mark by which leftovers are known.
        ``handed`` are descriptors it inherits.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{argv[0]!r} must be started from the main thread")
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**env, orphans.COOKIE: orphans.full_cookie(cookie)},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            bufsize=0,
            start_new_session=True,
            pass_fds=handed,
        )
        return cls(process, cookie, enclosed=enclosed)

    async def exited(self) -> None:
        """Wait for the end without reaping; may be cancelled and asked again."""
        if self._pidfd is not None:
            await anyio.wait_readable(self._pidfd)
            return
        while self.process.poll() is None:  # noqa: ASYNC110 - nothing there sets an event
            await anyio.sleep(_POLL_SECONDS)

    def signal_group(self, number: int) -> bool:
        """Send a signal to all of the group; False when nobody is left in it."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # only members of another user are left
            return False
        return True

    def _signal_enclosed(self, number: int) -> None:
        """Send a signal to the group in the namespace; before there is one, to the guard."""
        inside = _children(self.pid)
        for pid in inside:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
        if not inside:
            self.signal_group(number)

    def reap(self) -> None:
        """Take the exit status of a child that has ended. Idempotent."""
        self.process.wait()
        orphans.unregister(self.pid)
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    async def stop(self, grace_seconds: float) -> None:
        """TERM, grace, KILL to the group, until the leader has ended. The caller shields this.

        A leader that has ended already costs nothing but the TERM to the rest of its group. One
        that the system itself cannot kill is waited for: to report it gone would be a lie.
        """
        ask = self._signal_enclosed if self._enclosed else self.signal_group
        ask(signal.SIGTERM)
        ask(signal.SIGCONT)
        with anyio.move_on_after(grace_seconds):
            await self.exited()
            return
        self.signal_group(signal.SIGKILL)
        await self.exited()

    async def stop_rest(self, grace_seconds: float) -> None:
        """End what the reaped leader left in its group. The caller shields this."""
        pause = 0.001
        with anyio.move_on_after(grace_seconds):
            while self.signal_group(0):
                await anyio.sleep(pause)
                pause = min(_POLL_SECONDS, pause * 2)
                orphans.bury()
        self.signal_group(signal.SIGKILL)


def why_not(error: OSError | ValueError, argv: Sequence[str], cwd: str | Path) -> str:
    """Why a command could not be started, and the mend, in one sentence."""
    name = argv[0] if argv else ""
    if not Path(cwd).is_dir():
        return f"the folder {cwd} does not exist"
    if isinstance(error, FileNotFoundError):
        if Path(cwd, name).is_file():
            return f"the interpreter named in the first line of {name!r} was not found"
        return f"the command {name!r} was not found; install it or put its folder on PATH"
    if isinstance(error, PermissionError):
        return f"{name!r} may not be executed; make it executable (chmod +x)"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return f"{name!r} is no program; give it a first line such as #!/bin/sh"
    cause = error.strerror if isinstance(error, OSError) else str(error)
    return f"{name!r} could not be started: {cause}"


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _open_pidfd(pid: int) -> int | None:
    opener = getattr(os, "pidfd_open", None)
    if opener is not None:
        with contextlib.suppress(OSError):
            return int(opener(pid))
    return None

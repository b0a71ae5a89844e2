"""One engine per repository, by a lock that dies with its process.

``flock`` on a file that is never deleted: whoever deleted it would let two hold it, one on the
old inode and one on the new. So after locking, the descriptor and the path must still be the
same file. The descriptor is closed on exec, since a child that inherited it would keep the lock
after its engine was killed. What stands in the file is for people and proves nothing: only the
lock itself says that somebody holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from orchestrator.errors import CannotRun, EngineLocked, GroundLost

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TRIES = 10
_PAUSE_SECONDS = 0.01
_MOST_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock; ``started`` is POSIX seconds, ``socket`` the path of its API if told."""

    pid: int = 0
    host: str = ""
    boot_id: str = ""
    started: float = 0.0
    socket: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "another engine"
        return f"engine pid {self.pid} on {self.host} since {_clock(self.started)}"


class EngineLock:
    """The lock on one state folder. Use as a context manager, or acquire and release."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._holder = Holder()

    def acquire(self) -> None:
        """Take the lock or raise EngineLocked, which names the holder; never waits for one.

        Raises CannotRun where the file cannot be made. A few tries outlast the moment another
        process needs to look who holds it (``holder``).
        """
        for _ in range(_TRIES):
            self._fd = self._lock(fcntl.LOCK_EX)
            if self._fd is not None:
                self._sign()
                return
            time.sleep(_PAUSE_SECONDS)
        raise EngineLocked(
            f"{self.holder() or Holder()} holds {self.path}; stop it with `clerk stop` first"
        )

    def release(self) -> None:
        """Let go; does nothing when not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def update(self, **facts: Any) -> None:
        """Tell more of the holder (``socket=...``). Raises RuntimeError when not held."""
        if self._fd is None:
            raise RuntimeError(f"{self.path} is not held by this process")
        self._holder = replace(self._holder, **facts)
        _write(self._fd, asdict(self._holder))

    def require(self) -> None:
        """Raise GroundLost unless this is still the lock that everybody else would find.

        Who removes the file lets a second engine in beside this one.
        """
        if self._fd is None or not _same_file(self._fd, self.path):
            raise GroundLost(
                f"the lock {self.path} was removed or replaced while this engine ran;"
                " it ends before it writes anything more. Run the same command again to go on"
            )

    def holder(self) -> Holder | None:
        """Who holds the lock now, in this or another process; None when nobody does."""
        if self._fd is not None:
            return self._holder
        if not self.path.exists():
            return None
        fd = self._lock(fcntl.LOCK_SH)
        if fd is None:
            return _read(self.path)
        os.close(fd)
        return None

    def _sign(self) -> None:
        self._holder = Holder(
            pid=os.getpid(), host=socket.gethostname(), boot_id=_boot_id(), started=time.time()
        )
        self.update()

    def _lock(self, kind: int) -> int | None:
        """A descriptor that has the lock, None when somebody else's excludes it."""
        fd = self._open()
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError as error:
            os.close(fd)
            raise CannotRun(f"{self.path} cannot be locked: {error.strerror}") from error
        if _same_file(fd, self.path):
            return fd
        os.close(fd)
        return self._lock(kind)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(self.path, flags, 0o600)
        except OSError as error:
            raise CannotRun(f"the lock {self.path} cannot be made: {error.strerror}") from error


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _write(fd: int, facts: Mapping[str, Any]) -> None:
    """In place, as another inode would be another lock; readers bear a longer former tail."""
    text = json.dumps(facts).encode()
    os.pwrite(fd, text, 0)
    os.ftruncate(fd, len(text))


def _read(path: Path) -> Holder:
    """What the file says of its holder; a bare Holder when it says nothing sensible."""
    try:
        with path.open("rb") as file:
            facts, _ = json.JSONDecoder().raw_decode(file.read(_MOST_BYTES).decode())
        return Holder(**facts)
    except (OSError, ValueError, TypeError):
        return Holder()


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _clock(at: float) -> str:
    """``12:03`` today, else with the date."""
    then, now = time.localtime(at), time.localtime()
    today = then[:3] == now[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)

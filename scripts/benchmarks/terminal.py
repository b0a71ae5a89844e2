"""A program in a terminal of its own: what it paints, how soon, and what that costs."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.yard import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PATIENCE_SECONDS = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PIECE = 1 << 16


def cpu_seconds(pid: int) -> float:
    """Processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Terminal:
    """The far end of a terminal in which ``process`` runs."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master

    def press(self, key: str, shows: str) -> float:
        """Press a key; seconds until ``shows``, a pattern, is painted."""
        self.idle(0.0)
        os.write(self._master, key.encode())
        return self.until(shows)

    def until(self, shows: str) -> float:
        """Seconds until the pattern is painted."""
        wanted, began, seen = re.compile(shows.encode()), time.perf_counter(), b""
        while not wanted.search(seen):
            left = began + PATIENCE_SECONDS - time.perf_counter()
            if left < 0 or self.process.poll() is not None:
                raise SystemExit(f"waited in vain for {shows!r}; the end was:\n{seen[-2000:]!r}")
            seen += self._read(left)
        return time.perf_counter() - began

    def idle(self, seconds: float) -> int:
        """Read for so long, and at least what is there by now; how many bytes were painted."""
        until, painted = time.perf_counter() + seconds, 0
        while True:
            piece = self._read(max(0.0, until - time.perf_counter()))
            painted += len(piece)
            if not piece and time.perf_counter() >= until:
                return painted

    def cpu(self) -> float:
        """Processor seconds the program has used."""
        return cpu_seconds(self.process.pid)

    def _read(self, patience: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], patience)
        return os.read(self._master, _PIECE) if ready else b""


@contextmanager
def terminal(
    argv: Sequence[str], cwd: Path, size: tuple[int, int] = (200, 60)
) -> Iterator[Terminal]:
    """Run a program in a terminal of so many columns and lines; it is ended afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)

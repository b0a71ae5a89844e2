"""What a child writes: read in chunks, kept on disk within bounds, told line by line.

A pipe is read without blocking and without a thread, in chunks as large as they come. Between
chunks a pump rests for a moment that grows while little comes and vanishes when much does, so
that many chatty children wake the engine seldom and a flood is not slowed down. Nothing here
grows with the amount of output: a log is cut in the middle, an endless line at its cap.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import select
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

CHUNK_BYTES = 64 * 1024
PIPE_BYTES = 256 * 1024
LINE_BYTES = 1024 * 1024
TAIL_BYTES = 64 * 1024

_BURST_BYTES = PIPE_BYTES // 2
_FIRST_REST_SECONDS = 0.005
_LONGEST_REST_SECONDS = 0.1
_NOTICE_BYTES = 80
_LAST_BYTES = 1024


class Lines:
    """Cuts chunks into lines and tells each, decoded as UTF-8 ('replace'), without its end.

    A line is cut at LINE_BYTES and the rest of it dropped: memory stays bounded, and a reader of
    JSON lines sees one line that does not parse instead of many.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._begun: list[bytes] = []
        self._begun_bytes = 0

    def feed(self, chunk: bytes) -> None:
        first, newline, rest = chunk.partition(b"\n")
        self._hold(first)
        if not newline:
            return
        self._end_line()
        complete, newline, begun = rest.rpartition(b"\n")
        if newline:
            for line in _decoded(complete).split("\n"):
                self._tell(line.removesuffix("\r"))
        self._hold(begun)

    def close(self) -> None:
        """Tell the last line even though nothing ended it."""
        if self._begun:
            self._end_line()

    def _end_line(self) -> None:
        line, self._begun, self._begun_bytes = b"".join(self._begun), [], 0
        self._tell(_decoded(line).removesuffix("\r"))

    def _hold(self, rest: bytes) -> None:
        kept = rest[: LINE_BYTES - self._begun_bytes]
        if kept:
            self._begun.append(kept)
            self._begun_bytes += len(kept)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


class BoundedLog:
    """A file that keeps the beginning and the end of what is written to it.

    At most about ``limit`` bytes reach the disk; what is left out is noted once, in its place.
    Without a path everything is discarded. A disk that cannot take more counts as truncation: a
    full disk must not end a session that is otherwise well.
    """

    def __init__(self, path: Path | None, limit: int) -> None:
        self._tail_bytes = min(TAIL_BYTES, limit // 2)
        self._room = max(0, limit - self._tail_bytes - _NOTICE_BYTES)
        self._tail = bytearray()
        self._left_out = 0
        self._failed = False
        self._file = _open_log(path) if path else None

    @property
    def truncated(self) -> bool:
        return self._left_out > 0 or self._failed

    def write(self, chunk: bytes) -> None:
        if self._file is None:
            return
        if self._room:
            self._put(chunk[: self._room])
            chunk, self._room = chunk[self._room :], max(0, self._room - len(chunk))
        self._tail += chunk
        if len(self._tail) > 2 * self._tail_bytes:
            self._trim()

    def close(self) -> None:
        if self._file is None:
            return
        self._trim()
        if self._left_out:
            self._put(b"\n[... %d bytes left out here ...]\n" % self._left_out)
        self._put(bytes(self._tail))
        with contextlib.suppress(OSError):
            self._file.close()
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _trim(self) -> None:
        excess = len(self._tail) - self._tail_bytes
        if excess > 0:
            self._left_out += excess
            del self._tail[:excess]

    def _put(self, data: bytes) -> None:
        if self._file is None or self._failed:
            return
        try:
            self._file.write(data)
        except OSError:
            self._failed = True


def _open_log(path: Path) -> io.FileIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return io.FileIO(os.open(path, flags, 0o600), "w")


class Pump:
    """Reads one pipe to its end, into a log and, where wanted, line by line.

    It shields itself: what a child says while it is being stopped is still read. ``hurry`` ends
    its rests once the child is gone, ``stop`` ends it altogether. ``last`` is the end of all that came.
    """

    def __init__(self, descriptor: int, log: BoundedLog, lines: Lines | None = None) -> None:
        os.set_blocking(descriptor, False)
        _enlarge(descriptor)
        self.heard_at = anyio.current_time()
        self.last = b""
        self._descriptor = descriptor
        self._log = log
        self._lines = lines
        self._scope = anyio.CancelScope(shield=True)
        self._hurried = anyio.Event()
        self._ended = anyio.Event()

    async def run(self) -> None:
        try:
            with self._scope:
                await self._read_to_end()
            if self._lines:
                self._lines.close()
        finally:
            self._ended.set()

    def is_behind(self) -> bool:
        """Whether something was said that is not read yet."""
        if self._ended.is_set():
            return False
        look = select.poll()
        look.register(self._descriptor, select.POLLIN)
        return any(told & select.POLLIN for _, told in look.poll(0))

    def hurry(self) -> None:
        self._hurried.set()

    def stop(self) -> None:
        self._scope.cancel()

    async def ended(self) -> None:
        await self._ended.wait()

    async def _read_to_end(self) -> None:
        rest = 0.0
        while True:
            await anyio.wait_readable(self._descriptor)
            read, ended = self._read_burst()
            if read:
                self.heard_at = anyio.current_time()
            if ended:
                return
            rest = _next_rest(rest, read)
            await self._pause(rest)

    def _read_burst(self) -> tuple[int, bool]:
        """Read what is there, up to a pipe's worth; the bytes read and whether it was the end."""
        total = 0
        while total < PIPE_BYTES:
            try:
                chunk = os.read(self._descriptor, CHUNK_BYTES)
            except BlockingIOError:
                return total, False
            if not chunk:
                return total, True
            total += len(chunk)
            self.last = (self.last + chunk[-_LAST_BYTES:])[-_LAST_BYTES:]
            self._log.write(chunk)
            if self._lines:
                self._lines.feed(chunk)
        return total, False

    async def _pause(self, seconds: float) -> None:
        if seconds == 0.0 or self._hurried.is_set():
            await anyio.lowlevel.checkpoint()
            return
        with anyio.move_on_after(seconds):
            await self._hurried.wait()


def _next_rest(rest: float, read: int) -> float:
    if read >= _BURST_BYTES:
        return 0.0
    return min(_LONGEST_REST_SECONDS, max(_FIRST_REST_SECONDS, rest * 2))


def _enlarge(descriptor: int) -> None:
    """Make the pipe larger where the system allows it; a smaller one only wakes us oftener."""
    resize = getattr(fcntl, "F_SETPIPE_SZ", None)
    if resize is not None:
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, resize, PIPE_BYTES)

"""A command that stays, and is asked again and again: what costs a process each time, once.

It is asked one thing after the other and answers on its output; what it complains of is kept. It
dies with us: its input ends then, and the watchman takes it for the short command that it replaces.
Its mark is not theirs, for as long as it lives theirs would shield what they leave behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import CannotRun
from orchestrator.supervision.child import Child, why_not
from orchestrator.supervision.memory_file import content, memory_file
from orchestrator.supervision.watchman import SHORT_COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CHUNK_BYTES = 64 * 1024


class Companion:
    """A running command; raises CannotRun when it cannot be started. End it by ``end``."""

    def __init__(self, argv: Sequence[str], *, cwd: str | Path, env: Mapping[str, str]) -> None:
        self._said = memory_file()
        try:
            self._child = Child.spawn(
                argv,
                cwd=cwd,
                env=env,
                cookie=f"companion:{SHORT_COMMAND}",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
            )
        except (OSError, ValueError) as error:
            self._said.close()
            raise CannotRun(why_not(error, argv, cwd)) from error
        self._pipes = [
            pipe for pipe in (self._child.process.stdin, self._child.process.stdout) if pipe
        ]
        self._in, self._out = (pipe.fileno() for pipe in self._pipes)
        for number in (self._in, self._out):
            os.set_blocking(number, False)

    @property
    def is_there(self) -> bool:
        """Whether it has not ended yet."""
        return self._child.process.poll() is None

    async def ask(self, question: bytes, last: bytes, *, timeout_seconds: float) -> bool:
        """Whether it answered with words that end with ``last``; it ended where it did not.

        Not broken off by a cancellation: what it does would be done by half. Raises TimeoutError.
        """
        with anyio.move_on_after(timeout_seconds, shield=True):
            await self._tell(question)
            return await self._has_said(last)
        raise TimeoutError

    def end(self) -> bytes:
        """Kill it where it has not ended; returns what it complained of."""
        for pipe in self._pipes:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._child.signal_group(signal.SIGKILL)
        self._child.reap()
        with self._said:
            return content(self._said)

    async def _tell(self, question: bytes) -> None:
        left = memoryview(question)
        while left:
            try:
                left = left[os.write(self._in, left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._in)
            except BrokenPipeError:  # what it said before tells why
                return

    async def _has_said(self, last: bytes) -> bool:
        said = b""
        while not said.endswith(last):
            try:
                chunk = os.read(self._out, _CHUNK_BYTES)
            except BlockingIOError:
                await anyio.wait_readable(self._out)
                continue
            if not chunk:
                return False
            said = said[-len(last) :] + chunk
        return True

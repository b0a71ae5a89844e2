"""The process table, asked directly: who is still there, and how much the engine held."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def is_readable() -> bool:
    """Whether this system tells of its processes at all."""
    return (_PROC / "self/cmdline").exists()


def living_with(mark: str) -> tuple[int, ...]:
    """The processes that have ``mark`` as a word of their command line; the dead have none."""
    word = os.fsencode(mark)
    return tuple(pid for pid, words in _command_lines() if word in words)


def peak_of(pid: int) -> int:
    """The most memory that the process has held, in bytes; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text("utf-8", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _command_lines() -> Iterator[tuple[int, list[bytes]]]:
    for name in os.listdir(_PROC):  # noqa: PTH208 - names are all that is wanted
        if name.isdigit():
            with contextlib.suppress(OSError):
                yield int(name), (_PROC / name / "cmdline").read_bytes().split(b"\0")

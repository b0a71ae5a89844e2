"""The text of a plan file, or one clear reason why there is none.

A path may lead to a folder, a pipe nobody writes to or a disk image. It is opened without
waiting, judged by what was opened (not by what stood there before), and read up to a limit.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from orchestrator.plan.diagnostics import Problem, Spot

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 1_000_000
"""A larger file is refused; 1,000 tasks with long briefs stay below."""

_KINDS = (
    (stat.S_ISDIR, "a folder; name the plan file in it"),
    (stat.S_ISFIFO, "a pipe; name a file"),
    (stat.S_ISSOCK, "a socket; name a file"),
)


def read_source(path: Path) -> str | Problem:
    """The text of the file without its byte order mark, or why it cannot be had."""
    try:
        raw = _read(path)
    except (OSError, ValueError) as error:
        return Problem(None, f"cannot be read: {_reason(error)}")
    return raw if isinstance(raw, Problem) else _decoded(raw)


def _read(path: Path) -> bytes | Problem:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = next((kind for test, kind in _KINDS if test(mode)), "a device; name a file")
            return Problem(None, f"is {kind}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(raw) > MOST_BYTES:
        return Problem(None, f"is larger than {MOST_BYTES // 1_000_000} MB; split the plan")
    return raw


def _decoded(raw: bytes) -> str | Problem:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig")) + 1
        return Problem(
            Spot(line, column), f"is not UTF-8: byte 0x{raw[error.start]:02x}; save it as UTF-8"
        )


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)

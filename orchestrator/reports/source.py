"""Opening files that an untrusted command wrote.

What stands at the path may be missing, a folder, a pipe that nobody writes to, a link to a
secret, or far too big. None of that may hang the engine, fill its memory, or be followed.
Nobody in this package opens a file by any other way.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from orchestrator.errors import ClerkError

if TYPE_CHECKING:
    from pathlib import Path

REPORT_BYTES = 16 * 1024 * 1024
"""The biggest report that is read."""


class ReportUnreadable(ClerkError):
    """A report is missing, malformed, or nothing that should be read."""


def open_regular(path: Path) -> BinaryIO:
    """The regular file at ``path``, opened for reading; a link is not followed.

    Raises ReportUnreadable for anything else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ReportUnreadable(f"{path.name} {_reason(error)}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ReportUnreadable(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb")


def read_report(path: Path, limit: int = REPORT_BYTES, *, silent: bool = False) -> bytes:
    """The bytes of a report; raises ReportUnreadable when it is empty or beyond ``limit``.

    ``silent``: the tool writes nothing when all is well, so that it may be empty.
    """
    with open_regular(path) as file:
        raw = file.read(limit + 1)
    if len(raw) > limit:
        raise ReportUnreadable(f"{path.name} is larger than {limit // 2**20} MiB")
    if not silent and not raw.strip():
        raise ReportUnreadable(f"{path.name} is empty")
    return raw


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "was not written"
    if error.errno == errno.ELOOP:
        return "is a symbolic link, which is not followed"
    return f"cannot be opened: {error.strerror}"

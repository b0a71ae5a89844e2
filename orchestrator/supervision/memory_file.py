"""Files without a name, in memory where the system has such: content handed over, or taken.

Unlike a pipe nobody has to read one while it is written, and nobody can block on it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import IO


def memory_file() -> IO[bytes]:
    create = getattr(os, "memfd_create", None)
    if create is not None:
        with contextlib.suppress(OSError):
            return open(create("clerk"), "w+b", buffering=0)  # noqa: PTH123 - a descriptor
    return tempfile.TemporaryFile(buffering=0)


def filled(data: bytes) -> IO[bytes]:
    """A file of ``data``, to be read from its start."""
    stream = memory_file()
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
    stream.seek(0)
    return stream


def content(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()

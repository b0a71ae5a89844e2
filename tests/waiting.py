"""Waiting for what other processes do: by condition, with a limit far beyond any need."""

import time
from collections.abc import Callable
from pathlib import Path

import anyio

from orchestrator.supervision.pulse import Pulse

LIMIT_SECONDS = 120.0


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await anyio.sleep(0.01)


async def patience(pulse: Pulse, condition: Callable[[], bool]) -> None:
    """Hold a job's ``pulse`` until then: its silence is not counted while it only gets ready."""
    with pulse.held():
        await until(condition)


def until_blocking(condition: Callable[[], bool]) -> None:
    due = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < due, "waited in vain"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """No process, or one that has ended and was not reaped yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return fields[0] in (b"Z", b"X")

"""What is kept of a session's connections: one line each, in a file of bounded size.

A line tells when, what came of it, where to and how many bytes, and nothing of what was said:
no path, no header, no secret can get in. Hosts are written as ``hosts.normal_host`` spells them,
so a line stays a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.supervision.pipes import BoundedLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_LOG_BYTES = 4 * 1024 * 1024
_MOST_REFUSED = 100


@dataclass(slots=True)
class Entry:
    """One tunnel or request; counted while it lasts. ``sent`` is what left the session."""

    host: str = "-"
    port: int = 0
    verdict: str = "failed"
    sent: int = 0
    received: int = 0


class Account:
    """The log of one session, and who was refused so far."""

    def __init__(self, log: Path, on_refused: Callable[[str], None]) -> None:
        self._log = BoundedLog(log, _LOG_BYTES)
        self._on_refused = on_refused
        self._refused: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._log.close()

    def close(self, entry: Entry) -> None:
        """Write down what came of a connection."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        line = f"{when} {entry.verdict} {entry.host} {entry.port}"
        self._log.write(f"{line} {entry.sent} {entry.received}\n".encode())

    def refuse(self, host: str) -> None:
        """Tell of a host that was refused; once each, and of so many only."""
        if host not in self._refused and len(self._refused) < _MOST_REFUSED:
            self._refused.add(host)
            self._on_refused(host)

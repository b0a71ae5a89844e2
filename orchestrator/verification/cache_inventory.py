"""What the cache holds, for people: counted by check, and forgotten on request.

For a command line beside a running engine: entries are read and removed, never written, so that
an engine at work finds each of them whole or not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.states import Verdict
from orchestrator.verification.cache import entry_files, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.verification.cache import Entry, EntryFile


@dataclass(frozen=True, slots=True)
class Stock:
    """What is kept of one check; times are of last uses, POSIX seconds."""

    check: str
    passed: int = 0
    failed: int = 0
    bytes: int = 0
    oldest: float = 0.0
    newest: float = 0.0

    @property
    def entries(self) -> int:
        return self.passed + self.failed


def stock(folder: Path) -> dict[str, Stock]:
    """What is kept below ``folder``, by the names of checks."""
    found: dict[str, Stock] = {}
    for file, check, verdict in _readable(folder):
        found[check] = _with(found.get(check) or Stock(check), file, verdict)
    return dict(sorted(found.items()))


def clear(folder: Path, check: str | None = None) -> int:
    """Forget everything, or all of one check; how many entries went."""
    gone = 0
    for file in list(entry_files(folder)):
        if check is None or _check_of(file) == check:
            file.path.unlink(missing_ok=True)
            gone += 1
    return gone


def _with(before: Stock, file: EntryFile, verdict: Verdict) -> Stock:
    failed = verdict is Verdict.FAILED
    return Stock(
        before.check,
        passed=before.passed + (not failed),
        failed=before.failed + failed,
        bytes=before.bytes + file.bytes,
        oldest=min(before.oldest, file.used_at) if before.entries else file.used_at,
        newest=max(before.newest, file.used_at),
    )


def _readable(folder: Path) -> Iterator[tuple[EntryFile, str, Verdict]]:
    for file in entry_files(folder):
        entry = _entry(file)
        if entry is not None:
            yield file, entry.result.check, entry.result.verdict


def _check_of(file: EntryFile) -> str:
    entry = _entry(file)
    return entry.result.check if entry is not None else ""


def _entry(file: EntryFile) -> Entry | None:
    try:
        return read_entry(file.path.read_bytes())
    except OSError:
        return None

"""Verdicts that need not be found again: of a check on what it depends on.

Content-addressed: the key covers everything a verdict may depend on, so an entry never goes
stale and is only ever pruned. Kept is what a check said of the tree, passed or failed, and never
what befell it (an error, a time-out, a crash, an overloaded machine). The newest word stands: a
flaky run takes back what was kept. Only the engine writes here. A damaged entry is a miss.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from orchestrator.crash_points import crash_point
from orchestrator.results import CheckResult
from orchestrator.states import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA = 2
"""Goes into every key: raise it when a key or an entry comes to mean something else."""

_KEY = re.compile(r"[0-9a-f]{64}")
_BY_SIGNAL = 128


def cache_key(parts: Mapping[str, object]) -> str:
    """The key of a verdict that depends on ``parts`` (plain JSON data): 64 hexadecimal digits."""
    canonical = json.dumps({"schema": SCHEMA, **parts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_kept(result: CheckResult) -> bool:
    """Whether a result says something of the tree that holds on another day, too."""
    if result.skipped or result.cached:
        return False
    if result.verdict is Verdict.FAILED:
        ended_itself = result.exit_code is not None and 0 <= result.exit_code < _BY_SIGNAL
        return ended_itself and not result.overloaded
    return result.verdict is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: the entries longest unused go first."""

    entries: int = 20_000
    bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file holds; its own key shows one that was copied to a wrong place.

    ``audited``: the check was seen to come to the same without what lies outside its inputs.
    """

    key: str
    result: CheckResult
    audited: bool = False


_ENTRY = TypeAdapter(Entry)


class VerdictCache:
    """Verdicts in files under ``folder``, which is made when first written to."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        self._folder = folder
        self._bounds = bounds or Bounds()
        self._put = self._put_bytes = 0

    def get(self, key: str) -> CheckResult | None:
        """The verdict with ``cached=True``, or None. A damaged entry is removed."""
        entry = self._entry(key)
        if entry is None:
            return None
        with suppress(FileNotFoundError):
            os.utime(self._path(key))
        return replace(entry.result, cached=True)

    def put(self, key: str, result: CheckResult) -> bool:
        """Keep a verdict; returns whether it is one to keep. The entry is whole or not there."""
        if result.verdict is Verdict.FLAKY:
            self.forget(key)
        if not is_kept(result):
            return False
        self._write(Entry(key, result))
        crash_point("cache.put")
        return True

    def forget(self, key: str) -> None:
        """What was kept under ``key`` is not to be believed."""
        self._path(key).unlink(missing_ok=True)

    def is_audited(self, key: str) -> bool:
        """Whether the kept result was audited for what it reads."""
        entry = self._entry(key)
        return entry is not None and entry.audited

    def mark_audited(self, key: str) -> None:
        """The kept result was audited, and stood."""
        entry = self._entry(key)
        if entry is not None:
            self._write(replace(entry, audited=True))

    @property
    def is_overdue(self) -> bool:
        """Whether so much was put here since the last pruning that it is time for another."""
        many, much = self._bounds.entries // 10, self._bounds.bytes // 10
        return self._put > many or self._put_bytes > much

    def prune(self) -> int:
        """Remove the entries longest unused beyond the bounds; returns how many."""
        self._put = self._put_bytes = 0
        found = sorted(entry_files(self._folder), key=lambda file: file.used_at, reverse=True)
        beyond = list(_beyond(found, self._bounds))
        for file in beyond:
            file.path.unlink(missing_ok=True)
        return len(beyond)

    def sweep(self) -> None:
        """Remove what a crash left half-written: not while anything is verified."""
        for path in self._folder.glob("??/*.new"):
            path.unlink(missing_ok=True)

    def _entry(self, key: str) -> Entry | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        entry = read_entry(content)
        if entry is not None and entry.key == key:
            return entry
        path.unlink(missing_ok=True)
        return None

    def _write(self, entry: Entry) -> None:
        path = self._path(entry.key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = _ENTRY.dump_json(entry)
        _write_whole(path, content)
        self._put, self._put_bytes = self._put + 1, self._put_bytes + len(content)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no cache key")
        return self._folder / key[:2] / key[2:]


@dataclass(frozen=True, slots=True)
class EntryFile:
    """An entry on disk; ``used_at`` is when it was put there or last asked for, POSIX seconds."""

    path: Path
    bytes: int
    used_at: float


def entry_files(folder: Path) -> Iterator[EntryFile]:
    """The files of all entries below ``folder``; one that goes meanwhile is left out."""
    for path in folder.glob("??/*"):
        if path.suffix:  # half-written
            continue
        with suppress(FileNotFoundError):
            found = path.stat()
            yield EntryFile(path, found.st_size, found.st_mtime)


def read_entry(content: bytes) -> Entry | None:
    """The entry that a file holds, None when it is damaged or none to keep."""
    try:
        entry = _ENTRY.validate_json(content)
    except ValidationError:
        return None
    return entry if is_kept(entry.result) else None


def _beyond(latest_first: list[EntryFile], bounds: Bounds) -> Iterator[EntryFile]:
    held = 0
    for number, file in enumerate(latest_first):
        held += file.bytes
        if number >= bounds.entries or held > bounds.bytes:
            yield file


def _write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step, private from its first byte."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    crash_point("cache.written")
    fresh.replace(path)

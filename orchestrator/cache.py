"""Verdicts that need not be found again: of a check's command on a tree.

Content-addressed: the key covers everything a verdict may depend on, so an entry never goes
stale and is only ever pruned. Kept are passed and failed alone; an error, a time-out or a flaky
test is no knowledge of the tree. Only the engine writes here. A damaged entry is a miss.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orchestrator.results import CheckResult
from orchestrator.states import Verdict

_SCHEMA = 1
"""Goes into every key: raise it when a key or an entry comes to mean something else."""

_KEPT = frozenset({Verdict.PASSED, Verdict.FAILED})
_KEY = re.compile(r"[0-9a-f]{64}")
_LEFTOVER_SECONDS = 3600.0


def cache_key(
    *,
    tree: str,
    command: str,
    report: str | None,
    env: Mapping[str, str],
    setup: Sequence[str],
    copied: Mapping[str, str],
    shared: Sequence[str],
    needs: Sequence[str],
) -> str:
    """The key of a verdict: 64 hexadecimal digits.

    ``tree`` is the oid of the tree; ``copied`` tells the content hash of each file copied into
    the worktree by its path; ``needs`` are the keys of the checks this one needs. The order of
    ``setup`` counts, that of ``shared`` and ``needs`` does not. The kind of machine counts too.
    """
    machine = os.uname()
    parts = {
        "schema": _SCHEMA,
        "machine": [machine.sysname, machine.machine],
        "tree": tree,
        "command": command,
        "report": report,
        "env": dict(env),
        "setup": list(setup),
        "copied": dict(copied),
        "shared": sorted(shared),
        "needs": sorted(needs),
    }
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a file holds; its own key shows one that was copied to a wrong place."""

    key: str
    result: CheckResult


_ENTRY = TypeAdapter(_Entry)


class VerdictCache:
    """Verdicts in files under ``folder``, which is made when first written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> CheckResult | None:
        """The verdict with ``cached=True``, or None. A damaged entry is removed."""
        path = self._path(key)
        try:
            entry = _ENTRY.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            return self._discard(path)
        if entry.key != key or entry.result.verdict not in _KEPT:
            return self._discard(path)
        os.utime(path)
        return replace(entry.result, cached=True)

    def put(self, key: str, result: CheckResult) -> bool:
        """Keep a verdict; returns whether it is one to keep.

        Not kept, and no error: whatever is neither passed nor failed, did not run, or came from
        here. The entry is whole or not there.
        """
        if result.verdict not in _KEPT or result.skipped or result.cached:
            return False
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_whole(path, _ENTRY.dump_json(_Entry(key, result)))
        return True

    def prune(self, max_entries: int) -> int:
        """Remove the entries longest unused until ``max_entries`` are left; returns how many.

        Sweeps up what a crash left half-written, too.
        """
        entries = sorted(self._files(), key=lambda found: found[0], reverse=True)
        whole = [path for _, path in entries if path.suffix != ".new"]
        fresh_since = time.time() - _LEFTOVER_SECONDS
        for at, path in entries:
            if path.suffix == ".new" and at < fresh_since:
                path.unlink(missing_ok=True)
        for path in whole[max_entries:]:
            path.unlink(missing_ok=True)
        return len(whole[max_entries:])

    def _files(self) -> list[tuple[float, Path]]:
        """Every file with the time of its last use."""
        return [(path.stat().st_mtime, path) for path in self._folder.glob("??/*")]

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no cache key")
        return self._folder / key[:2] / key[2:]

    @staticmethod
    def _discard(path: Path) -> None:
        path.unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step, private from its first byte."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    fresh.replace(path)

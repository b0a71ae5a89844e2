"""Verdicts that need not be found again: of a check's command on a tree.

Content-addressed: the key covers everything a verdict may depend on, so an entry never goes
stale and is only ever pruned. Only what passed is kept: a failure may be the machine's or a
flaky test's, and must be able to go away. Only the engine writes here. A damaged entry is a miss.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orchestrator.crash_points import crash_point
from orchestrator.results import CheckResult
from orchestrator.states import Verdict

_SCHEMA = 1
"""Goes into every key: raise it when a key or an entry comes to mean something else."""

_KEY = re.compile(r"[0-9a-f]{64}")


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
            content = path.read_bytes()
        except OSError:
            return None
        result = _result_in(content, key)
        with suppress(FileNotFoundError):
            if result is None:
                path.unlink()
            else:
                os.utime(path)
        return result and replace(result, cached=True)

    def put(self, key: str, result: CheckResult) -> bool:
        """Keep a verdict; returns whether it is one to keep.

        Not kept, and no error: whatever has not passed, or came from here. The entry is whole or
        not there.
        """
        if result.verdict is not Verdict.PASSED or result.skipped or result.cached:
            return False
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_whole(path, _ENTRY.dump_json(_Entry(key, result)))
        crash_point("cache.put")
        return True

    def prune(self, max_entries: int) -> int:
        """Remove the entries longest unused until ``max_entries`` are left; returns how many.

        Sweeps up what a crash left half-written, too: not while anything is verified.
        """
        _unlink(self._folder.glob("??/*.new"))
        entries = self._files("??/*")
        kept_first = sorted(entries, key=entries.__getitem__, reverse=True)
        _unlink(kept_first[max_entries:])
        return len(kept_first[max_entries:])

    def _files(self, pattern: str) -> dict[Path, float]:
        """Files with the time of their last use."""
        return {path: path.stat().st_mtime for path in self._folder.glob(pattern)}

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no cache key")
        return self._folder / key[:2] / key[2:]


def _result_in(content: bytes, key: str) -> CheckResult | None:
    """The result of an entry, None when it is damaged."""
    try:
        entry = _ENTRY.validate_json(content)
    except ValidationError:
        return None
    return entry.result if entry.key == key and entry.result.verdict is Verdict.PASSED else None


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step, private from its first byte."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    crash_point("cache.written")
    fresh.replace(path)

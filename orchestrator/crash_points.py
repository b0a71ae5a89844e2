"""Named moments at which one step has been done and the next has not.

Tests kill the engine, or let the machine fail, at any of them and see what a restart makes of
it; without the two variables below a point is a comparison with None. Standard library only.
Nothing here may decide anything, and no name is made up at run time: ``POINTS`` is all there
are, mypy refuses another one, and the matrix in tests/crash visits each.

``CLERK_CRASH_RECORD`` names a file to which each hit is appended as ``name:n``.
``CLERK_CRASH`` is ``HOW name:n``: on the nth hit of that point do HOW, with ``n+`` on every later
one too. HOW is ``kill``, ``enospc``, ``eio``, ``git`` or ``database``; the last only where the
store hands in its library's error.
"""

from __future__ import annotations

import errno
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

from orchestrator.errors import GitError, UsageError

RECORD = "CLERK_CRASH_RECORD"
ORDER = "CLERK_CRASH"

PointName = Literal[
    "engine.locked",
    "engine.claimed",
    "engine.recovered",
    "store.begun",
    "store.written",
    "store.kept",
    "migration.backed-up",
    "migration.done",
    "submission.checked",
    "submission.stored",
    "submission.tasks-added",
    "submission.taken-in",
    "move.written",
    "move.kept",
    "baseline.verified",
    "session.begun",
    "session.opened",
    "worktree.set-aside",
    "worktree.added",
    "worktree.filled",
    "worktree.recorded",
    "session.synced",
    "session.set-up",
    "session.prompted",
    "view.made",
    "view.recorded",
    "import.told",
    "import.quarantined",
    "import.moved-in",
    "import.branch-moved",
    "import.index-set",
    "import.held",
    "view.forgotten",
    "session.ended",
    "leftovers.staged",
    "leftovers.committed",
    "leftovers.branch-moved",
    "session.collected",
    "session.kept",
    "stack.files-brought",
    "stack.branch-moved",
    "verification.checked-out",
    "red.verified",
    "red.recorded",
    "verification.done",
    "verification.recorded",
    "cache.written",
    "cache.put",
    "candidate.built",
    "candidate.held",
    "landing.intended",
    "landing.verified",
    "landing.before-cas",
    "landing.after-cas",
    "landing.checkout-brought",
    "landing.recorded",
    "handover.pushed",
    "handover.opened",
    "notes.drafted",
    "notes.kept",
    "worktree.trashed",
    "worktree.forgotten",
    "worktree.removed",
    "recovery.repaired",
    "recovery.saved",
    "recovery.kept",
    "recovery.abandoned",
    "recovery.followed",
    "recovery.landed",
]

POINTS: tuple[PointName, ...] = get_args(PointName)

_FAULTS: Mapping[str, Callable[[], Exception]] = {
    "enospc": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "eio": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "git": lambda: GitError("git update-ref failed with code 128: injected", code=128),
}


class _Script:
    """What is to happen at which hit of this process, and where hits are recorded."""

    def __init__(self, record: str, order: str) -> None:
        self._record = Path(record) if record else None
        self._hits: Counter[str] = Counter()
        self._how, self._name, self._first, self._stays = _read(order)

    def reach(self, name: str, database_error: Callable[[], Exception] | None) -> None:
        if name not in POINTS:
            raise UsageError(f"there is no crash point {name!r}")
        self._hits[name] += 1
        hit = self._hits[name]
        if self._record is not None:
            with self._record.open("a") as file:
                file.write(f"{name}:{hit}\n")
        if name == self._name and (hit == self._first or (self._stays and hit > self._first)):
            self._strike(database_error)

    def _strike(self, database_error: Callable[[], Exception] | None) -> None:
        if self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        fault = database_error if self._how == "database" else _FAULTS[self._how]
        if fault is None:
            raise UsageError(f"{self._name} is no point of the store")
        raise fault()


def _read(order: str) -> tuple[str, str, int, bool]:
    if not order:
        return "", "", 0, False
    how, _, place = order.partition(" ")
    name, _, number = place.rpartition(":")
    first = number.removesuffix("+")
    if how not in {"kill", "database", *_FAULTS} or name not in POINTS or not first.isdigit():
        raise UsageError(f"{ORDER} is {order!r}; write: kill landing.before-cas:1")
    return how, name, int(first), number != first


def _from(environ: Mapping[str, str]) -> _Script | None:
    record, order = environ.get(RECORD, ""), environ.get(ORDER, "")
    return _Script(record, order) if record or order else None


_script = _from(os.environ)


def crash_point(name: PointName, database_error: Callable[[], Exception] | None = None) -> None:
    """A step has been done and the next has not; nothing happens here but in tests."""
    if _script is not None:
        _script.reach(name, database_error)

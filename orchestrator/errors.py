"""Every error the program raises on purpose, and the one table of exit codes.

    ClerkError
    ├── UsageError              the caller asked for something that makes no sense
    │   ├── PlanError           the plan file is wrong; carries every diagnostic
    │   └── NothingStored       nothing was ever started in this repository
    ├── CannotRun               this machine or repository cannot be worked on
    │   ├── EngineLocked        another engine holds the repository
    │   ├── GroundLost          the lock, or the room on its disk, went while the engine worked
    │   └── EngineUnreachable   an engine should answer and does not
    ├── GitError                a git command failed
    │   └── RefMoved            a compare-and-swap found another value
    ├── StoreError              the stored state cannot be read or written
    │   ├── StoreDamaged        the file of the database is no database any more
    │   ├── StateLost           the stored state is another engine's by now, or gone
    │   └── IllegalTransition   a task was asked to make a move the table forbids
    ├── HandoverHeld            a proven task cannot be handed over now
    │   └── HostBusy            the host of pull requests is to be asked later
    ├── SetupFailed             a worktree could not be made ready
    └── SnapshotRefused         a worktree holds what cannot be taken as work

A message names the thing and the mend. Nothing here imports anything but the standard
library, and nobody else defines an exception that crosses a floor.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExitCode(IntEnum):
    """What a command tells the shell."""

    DONE = 0
    TASK_FAILED = 1
    BAD_USAGE = 2
    PERSON_NEEDED = 3
    CANNOT_RUN = 4
    INTERNAL = 70
    INTERRUPTED = 130


class ClerkError(Exception):
    """Base of all expected errors; shown to the user as its message alone."""

    exit_code = ExitCode.TASK_FAILED


class UsageError(ClerkError):
    """The request names something unknown or impossible."""

    exit_code = ExitCode.BAD_USAGE


class PlanError(UsageError):
    """A plan file was refused; ``problems`` holds one printable line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class NothingStored(UsageError):
    """The caller asks about plans where none was ever started."""


class CannotRun(ClerkError):
    """The engine cannot work here; nothing was started or changed."""

    exit_code = ExitCode.CANNOT_RUN


class EngineLocked(CannotRun):
    """Another engine holds this repository's lock."""


class GroundLost(CannotRun):
    """What the engine stands on has gone; it must stop before it writes anything more."""


class EngineUnreachable(CannotRun):
    """No engine answers on this repository's socket."""


class GitError(ClerkError):
    """A git command failed; ``args_shown`` is what was run, ``code`` its exit status."""

    def __init__(self, message: str, *, args_shown: Sequence[str] = (), code: int = -1) -> None:
        self.args_shown = tuple(args_shown)
        self.code = code
        super().__init__(message)


class RefMoved(GitError):
    """A ref no longer held the value it was expected to hold; nothing was changed."""


class StoreError(ClerkError):
    """The stored state is missing, damaged, or of another schema."""

    exit_code = ExitCode.CANNOT_RUN


class StoreDamaged(StoreError):
    """The file of the stored state is no whole database; waiting or trying again mends nothing."""


class StateLost(StoreError):
    """The stored state is not this engine's any more; it must stop."""


class IllegalTransition(StoreError):
    """A task was asked to go where its state does not lead."""


class HandoverHeld(ClerkError):
    """A proven task cannot be handed over, or looked after, as things are; the message is the mend."""


class HostBusy(HandoverHeld):
    """The host of pull requests wants to be asked less often: nobody is needed, only ``seconds``."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class SetupFailed(ClerkError):
    """A worktree could not be made ready, so nothing may start in it."""


class SnapshotRefused(ClerkError):
    """What stands in a worktree cannot be taken as it is; whoever works there is to mend it."""

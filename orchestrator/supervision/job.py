"""What is asked of the supervisor and what it answers: a command with its bounds, and its end.

Words only: how a job is started, watched and ended is ``process``'s affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.allowance import Allowance
from orchestrator.supervision.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Handed:
    """Content that a command reads by a descriptor, whose number takes this word's place.

    Each start gets a descriptor of its own: a shared one would be at its end the second time.
    """

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Witness:
    """The place of a descriptor on which a guard tells, in JSON, how its command ended.

    It must tell an ``exit-code`` only of a command that was really started (bubblewrap's
    ``--json-status-fd`` does). A guard that ends by itself without having told one has failed.
    """


Argv = Sequence[str | Handed | Witness]


@dataclass(frozen=True, slots=True)
class Job:
    """A command to be supervised.

    ``env`` is complete; ``cookie`` the unique id of the session or check, by which its strays
    are known; ``log`` receives both outputs, at most about ``log_bytes``; ``stdin`` is a file,
    none means empty. ``idle_seconds`` bounds the silence on both outputs, but while the ``pulse`` is held. ``grace_seconds`` lie
    between SIGTERM and SIGKILL. ``enclosed``: the command is the grandchild of what is started,
    the first process of a PID namespace in between (as bubblewrap does it). ``allowance`` bounds
    its memory and what the folders ``disk``, where it may write, take together.
    """

    argv: Argv
    cwd: Path
    env: Mapping[str, str]
    cookie: str
    log: Path | None = None
    stdin: Path | None = None
    wall_seconds: float | None = None
    idle_seconds: float | None = None
    log_bytes: int = 32 * 1024 * 1024
    grace_seconds: float = 5.0
    enclosed: bool = False
    allowance: Allowance = field(default_factory=Allowance)
    disk: tuple[Path, ...] = ()
    pulse: Pulse = field(default_factory=Pulse, compare=False, repr=False)


class Ending(StrEnum):
    """What ended a job."""

    EXITED = "exited"
    WALL = "wall"
    IDLE = "idle"
    MEMORY = "memory"
    DISK = "disk"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a job ended.

    ``code`` is set when it exited, ``signal`` when one killed it; neither when it never started,
    and then ``error`` says why and names the mend. ``truncated``: the log is not the whole
    output. ``breach`` tells what of its allowance it passed and which setting bounds that.
    """

    code: int | None = None
    signal: int | None = None
    ending: Ending = Ending.EXITED
    seconds: float = 0.0
    truncated: bool = False
    error: str = ""
    breach: str = ""

    @property
    def started(self) -> bool:
        return not self.error

    @property
    def ok(self) -> bool:
        """It ran to its own end and exited with 0."""
        return self.started and self.ending is Ending.EXITED and self.code == 0


@dataclass(frozen=True, slots=True)
class Completed:
    """What a short command came to; ``code`` is negative for a signal, as in subprocess."""

    code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)

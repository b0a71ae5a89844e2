"""What a job may reach. Only words: how it is held to them is each sandbox's own affair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one job may take, in bytes and counts.

    ``file_bytes`` bounds one file, ``scratch_bytes`` each temporary folder, which is in memory.
    """

    processes: int = 512
    open_files: int = 4096
    file_bytes: int = 2048 * MEBIBYTE
    scratch_bytes: int = 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Cover:
    """``source`` is what a job finds at ``place``; what is really there it cannot see."""

    place: Path
    source: Path
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """A network in which several jobs meet, and which leads nowhere else.

    ``entry`` are the words that lead a command into it, where it is one of its own; where jobs share the
    machine's, ``ports`` are all that they may use of it.
    """

    ports: tuple[int, ...] = ()
    entry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enclosure:
    """What one job may reach besides the system's own programs, which all jobs may read.

    ``who`` names whose jobs these are (a task, a verification's slot): where jobs run under a
    user of their own, all of one name share it. ``home`` is a private folder that becomes HOME;
    without one there is only temporary space. ``writable`` and ``readable`` are seen at
    their own paths; ``fixed`` are paths within writable ones that may only be read. ``covers``
    hide a real folder behind a private one. ``egress`` is the unix socket of the proxy that is
    its whole network; none means no network at all. ``network`` is one that it shares with others
    of its verification; without it each job has its own. ``door`` is the unix socket at which the
    engine answers this session; seen at its own path. Later entries win over earlier ones,
    in the order covers, writable, fixed, readable.
    """

    who: str
    home: Path | None = None
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    fixed: tuple[Path, ...] = ()
    covers: tuple[Cover, ...] = ()
    egress: Path | None = None
    network: Network | None = None
    door: Path | None = None
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The real folders in which a job may leave files."""
        hidden = tuple(cover.source for cover in self.covers if cover.writable)
        home = (self.home,) if self.home else ()
        return (*home, *self.writable, *hidden)

"""Jobs held by landlock, for machines that forbid namespaces: weaker than bubblewrap, and said.

What holds: nothing is written outside the job's folders, nothing read but those, the system's
programs and what was lent; no signal leaves; no socket but TCP, and of that no connection but to
the port of the session's proxy; the system call filter; the limits.

What does not hold, because landlock has no word for it:

- Nothing is hidden. Names and sizes outside, other processes and their command lines are seen.
- Nothing within a writable folder is protected: ``fixed`` paths can be replaced.
- Owners, modes, times and extended attributes of the user's files can be changed wherever they
  lie, except where root gave the job a user of its own.
- Rules know ports, not addresses: with ``egress``, a server elsewhere that listens at the very
  port of the proxy can be reached, and so with the ports of a ``network``, which other users of
  this machine can come to, too. Without them nothing can.
- What detaches from the job lives on until it is found (``orphans``, ``watchman``).

And what a job misses: sockets in the file system (so ``door`` cannot be used: landlock would let
a job speak to every one of the user's services, of which some start programs), terminals of its
own, shared memory and semaphores. The way to ``egress`` is made outside: its launcher goes in
front of the wrapped command, and HTTP_PROXY of the job tells the port.
"""

from __future__ import annotations

import marshal
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import CannotRun
from orchestrator.sandboxes import in_place
from orchestrator.sandboxes.attack import attack
from orchestrator.sandboxes.bubblewrap import Bubblewrap, user_of
from orchestrator.sandboxes.reach import reach
from orchestrator.sandboxes.seccomp import filter_program
from orchestrator.sandboxes.system_view import fact_paths
from orchestrator.sandboxes.toolchain import SYSTEM, tool_paths
from orchestrator.supervision.job import Handed

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from orchestrator.sandboxes.enclosure import Enclosure, Network
    from orchestrator.supervision.job import Job

LAUNCHER = Path(__file__).with_name("landlock_launcher.py")

_ACCOUNTS = tuple(Path("/etc", name) for name in ("passwd", "group", "hosts"))
_PROCESSES = Path("/proc")
_DEVICES = tuple(
    Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom", "tty")
)


class Landlock:
    """Confines by landlock, seccomp and limits, all set by a launcher that becomes the job."""

    name = "landlock"
    confines = True
    covers = False

    def __init__(self) -> None:
        self._is_root = os.geteuid() == 0

    def objects_at(self, objects: Path) -> Path:
        return objects

    async def make_over(self, enclosure: Enclosure) -> None:
        if self._is_root:
            refuse_unreachable(enclosure)
            await Bubblewrap().make_over(enclosure)

    def wrap(self, job: Job, enclosure: Enclosure) -> Job:
        user = user_of(enclosure.who) if self._is_root else None
        handed = Handed(marshal.dumps(rules(job, enclosure, user)))
        launched = (sys.executable, "-I", "-S", str(LAUNCHER), handed, "--", *job.argv)
        return replace(job, argv=launched, env={})

    def network(self, ports: tuple[int, ...]) -> AbstractAsyncContextManager[Network]:
        return in_place.machines_network(ports)

    async def probe(self) -> str:
        if sys.platform != "linux":
            return "landlock is of Linux only"
        return await attack(self) or await reach(self)


def rules(job: Job, enclosure: Enclosure, user: int | None) -> dict[str, Any]:
    """What the launcher is to hold the job to. Raises CannotRun for what landlock cannot do."""
    in_place.refuse_covers(enclosure)
    machine = (*SYSTEM, *fact_paths(), *_ACCOUNTS, _PROCESSES)
    readable = (*machine, *in_place.lent(enclosure), *tool_paths(job.env))
    bounds = asdict(enclosure.bounds)
    return {
        "readable": [str(path) for path in readable],
        "usable": [str(path) for path in _DEVICES],
        "writable": [str(path) for path in enclosure.roots],
        "ports": [*in_place.proxy_ports(job.env, enclosure), *in_place.met_ports(enclosure)],
        "own_ports": list(in_place.met_ports(enclosure)),
        "limits": {name: bounds[name] for name in ("processes", "open_files", "file_bytes")},
        "user": user,
        "env": in_place.environment(job.env, enclosure),
        "filter": filter_program(shared=True),
    }


def refuse_unreachable(enclosure: Enclosure) -> None:
    """A job with a user of its own must be able to walk to its folders: nothing is mounted here."""
    for folder in enclosure.roots:
        for above in folder.parents:
            if not above.stat().st_mode & 0o001:
                raise CannotRun(
                    f"{above} lets no other user pass, and jobs run as one of their own: "
                    f"chmod o+x {above}, or install bubblewrap"
                )

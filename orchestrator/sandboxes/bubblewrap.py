"""Jobs in namespaces of their own, made by bubblewrap: nothing in sight that was not lent.

Mounts, processes, network, System V IPC and host name are the job's own; nothing of it outlives
the guard process. Every option earned its place (docs/trust.md says by which attack), and their
order matters: later mounts win. Started by root, the mounts are made by root and the job then
becomes a user of its own, who is nobody else's; started by anyone else, a user namespace does it.
The environment goes by a descriptor, since arguments can be read by everyone on the machine.
"""

from __future__ import annotations

import os
import resource
import shutil
import zlib
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import CannotRun
from orchestrator.sandboxes.attack import attack
from orchestrator.sandboxes.enclosure import Network
from orchestrator.sandboxes.seccomp import filter_program
from orchestrator.sandboxes.shared_network import shared_network
from orchestrator.sandboxes.system_view import accounts, copied_facts, shown, system_view
from orchestrator.sandboxes.toolchain import tool_paths, tool_roots
from orchestrator.supervision import process, small_trees
from orchestrator.supervision.job import Handed, Witness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from orchestrator.sandboxes.enclosure import Bounds, Enclosure
    from orchestrator.supervision.job import Job

HOME = Path("/run/clerk/home")
OBJECTS = Path("/run/clerk/objects")

FIRST_USER, USERS = 52_000, 8_000
"""Numbers of the users that root's jobs become; no distribution gives them to anybody."""

INSTALL = (
    "install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
)


class Bubblewrap:
    """Confines by ``bwrap``."""

    name = "bubblewrap"
    confines = True
    covers = True

    def __init__(self) -> None:
        self._program = shutil.which("bwrap") or ""
        self._is_root = os.geteuid() == 0

    def objects_at(self, objects: Path) -> Path:  # noqa: ARG002 - always at one place
        return OBJECTS

    async def make_over(self, enclosure: Enclosure) -> None:
        if not self._is_root:
            return
        folders = [*enclosure.writable, *(c.source for c in enclosure.covers if c.writable)]
        if enclosure.home is not None:
            folders.append(enclosure.home)
        user = user_of(enclosure.who)
        if small_trees.given(folders, user, user):
            return
        # Only what is another's: a change of owner makes git read a file again.
        others = ("(", "!", "-uid", str(user), "-o", "!", "-gid", str(user), ")")
        give = ("-exec", "chown", "-h", f"{user}:{user}", "--", "{}", "+")
        argv = ("find", *map(str, folders), *others, *give)
        done = await process.run(argv, cwd="/", env={"PATH": os.defpath}, timeout_seconds=600)
        if done.code:
            told = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise CannotRun(f"{folders[0]} cannot be made over to the sandbox: {told}")

    def wrap(self, job: Job, enclosure: Enclosure) -> Job:
        if not self._program:
            raise CannotRun(f"bubblewrap is not there; {INSTALL}")
        entry = _entry(enclosure)
        user = user_of(enclosure.who) if self._is_root else os.geteuid()
        group = user if self._is_root else os.getegid()
        options = [
            *self._namespaces,
            *(("--share-net",) if entry else ()),  # the one it was led into
            *system_view(enclosure.bounds.scratch_bytes),
            *_shown(tool_paths(job.env, hidden=_lent(enclosure))),
            *_mounts(enclosure),
            "--clearenv",
            *_variables(job, enclosure),
            "--chdir",
            str(job.cwd),
        ]
        argv = [
            *entry,
            self._program,
            *("--args", Handed("\0".join((*options, "")).encode("utf-8", "surrogateescape"))),
            *copied_facts(),
            *accounts(user, group, HOME),
            *("--remount-ro", "/"),
            *("--seccomp", Handed(filter_program())),
            *("--json-status-fd", Witness()),
            "--",
            *self._prefix(user, enclosure.bounds),
            *job.argv,
        ]
        return replace(job, argv=argv, env={}, cwd=Path("/"), enclosed=True)

    @asynccontextmanager
    async def network(self, ports: tuple[int, ...]) -> AsyncIterator[Network]:
        if not self._program:
            raise CannotRun(f"bubblewrap is not there; {INSTALL}")
        enter = _system_program("nsenter")
        async with shared_network(self._program, enter, is_root=self._is_root) as entry:
            yield Network(ports, entry)

    async def probe(self) -> str:
        if not self._program:
            return f"bubblewrap is not there; {INSTALL}"
        return await attack(self)

    @cached_property
    def _namespaces(self) -> tuple[str, ...]:
        """The namespaces and privileges; as root all but those by which root becomes nobody."""
        always = ("--die-with-parent", "--new-session", "--hostname", "clerk", "--cap-drop", "ALL")
        if not self._is_root:
            # Older ones lack the option, and say what they have in their own help.
            knows = b"--disable-userns" in Path(self._program).read_bytes()
            nested = ("--disable-userns",) if knows else ()
            return ("--unshare-all", "--unshare-user", *nested, *always)
        spaces = ("ipc", "pid", "net", "uts", "cgroup-try")
        # The last to enter the job's folder, which is the job's own; setpriv gives all of them up.
        kept = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH")
        return (
            *(f"--unshare-{space}" for space in spaces),
            *always,
            *(word for name in kept for word in ("--cap-add", name)),
        )

    def _prefix(self, user: int, bounds: Bounds) -> tuple[str, ...]:
        """What the job becomes just before it is itself."""
        limits = (
            f"--nproc={bounds.processes}",
            f"--fsize={bounds.file_bytes}",
            f"--nofile={_at_most(resource.RLIMIT_NOFILE, bounds.open_files)}",
            "--core=0",
        )
        if not self._is_root:
            return (_system_program("prlimit"), *limits, "--")
        user_only = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
        nothing_else = ("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
        become = (_system_program("setpriv"), *user_only, *nothing_else, "--")
        return (_system_program("prlimit"), *limits, "--", *become)


def user_of(who: str) -> int:
    """The number of the user that jobs of this name run as when root starts them."""
    return FIRST_USER + zlib.crc32(who.encode()) % USERS


@cache
def _system_program(name: str) -> str:
    """Where the system keeps a program that runs before the job is held, still as root.

    Never by the job's own PATH: an entry such as ``node_modules/.bin`` begins in a folder that is
    the job's, and whatever lay there would be run with root's privileges.
    """
    own = os.environ.get("PATH", "").split(os.pathsep)
    places = (os.defpath, *(entry for entry in own if entry.startswith("/")))
    return shutil.which(name, path=os.pathsep.join(places)) or f"/usr/bin/{name}"


def _entry(enclosure: Enclosure) -> tuple[str, ...]:
    """What leads into the network that the job shares; never the machine's own."""
    if enclosure.network is None:
        return ()
    if not enclosure.network.entry:
        raise CannotRun("this network is the machine's own, which no job in bubblewrap may use")
    return enclosure.network.entry


def _lent(enclosure: Enclosure) -> tuple[Path, ...]:
    """What a job has of its own; no folder that holds this and more is a program's."""
    return (*enclosure.roots, *(cover.place for cover in enclosure.covers))


def _mounts(enclosure: Enclosure) -> Iterator[str]:
    """What was lent to this job, in the order in which later ones win."""
    for cover in enclosure.covers:
        yield from shown(cover.source, cover.place, writable=cover.writable)
    yield from _shown(enclosure.writable, writable=True)
    yield from _shown((*enclosure.fixed, *enclosure.readable))
    if enclosure.home is not None:
        yield from shown(enclosure.home, HOME, writable=True)
    yield from _shown(socket for socket in (enclosure.egress, enclosure.door) if socket)


def _shown(paths: Iterable[Path], *, writable: bool = False) -> Iterator[str]:
    for path in paths:
        yield from shown(path, writable=writable)


def _variables(job: Job, enclosure: Enclosure) -> Iterator[str]:
    home = HOME if enclosure.home is not None else Path("/tmp")  # noqa: S108 - the job's own
    roots = {name: str(root) for name, root in tool_roots(job.env).items()}
    for name, value in {**job.env, **roots, "HOME": str(home), "TMPDIR": "/tmp"}.items():  # noqa: S108
        yield from ("--setenv", name, value)


def _at_most(limit: int, wanted: int) -> int:
    """A limit can be lowered only."""
    hard = resource.getrlimit(limit)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)

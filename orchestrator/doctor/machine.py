"""The machine: disk, memory, limits, sockets, the clock and the terminal."""

from __future__ import annotations

import locale
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.allowance import show_bytes
from orchestrator.doctor.finding import Finding, missing, ok, warn
from orchestrator.room import LEAST_BYTES

if TYPE_CHECKING:
    from orchestrator.doctor.ground import Ground

LONGEST_SOCKET_PATH = 100
_SOCKET = Path("door", "session.sock")
_SHORT_NAME = "clerk-0123456789ab-01234567"
_CLONING = {"btrfs", "xfs", "bcachefs", "zfs", "ocfs2", "apfs"}
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "ceph"}
_FEWEST_FILES = 1024
_FEWEST_PROCESSES = 1024
_FEWEST_WATCHES = 8192
_LEAST_MEMORY = 1 << 30
_BUILT = 1_735_689_600  # the beginning of 2025: no right clock is before it
_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")


async def disk(ground: Ground) -> Iterator[Finding]:
    """Room and file system of where the engine writes; one line where both are one disk."""
    found = {place.stat().st_dev: place for place in map(_existing, ground.places)}
    return iter([_disk(place, ground.settings.disk_reserve_bytes) for place in found.values()])


def _disk(place: Path, reserve: int) -> Finding:
    room = os.statvfs(place)
    free, kind = room.f_bavail * room.f_frsize, _file_system(place)
    told = f"{show_bytes(free)} free on {kind or 'the disk'} of {place}"
    if kind in _CLONING:
        told += "; shared folders are cloned"
    if room.f_blocks and free < LEAST_BYTES:
        return missing("disk", told, "free some")
    if room.f_blocks and free < reserve:
        kept = f"disk_reserve_bytes keeps {show_bytes(reserve)} free"
        return warn("disk", f"{told}; {kept}, so sessions would be ended", "free some")
    if kind in _REMOTE:
        mend = "keep the repository on a local disk"
        return warn("disk", f"{told}; locks and the database need a local one", mend)
    return ok("disk", told)


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _file_system(place: Path) -> str:
    """Its type, by the longest mount point above it; empty where the system does not tell."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    mounts = {fields[1]: fields[2] for fields in map(str.split, lines) if len(fields) > 2}
    above = (mounts[str(folder)] for folder in (place, *place.parents) if str(folder) in mounts)
    return next(above, "")


async def memory(ground: Ground) -> Iterator[Finding]:
    """What a job may have, and what there is."""
    free = _available_memory()
    allowed = ground.settings.memory_bytes
    told = f"a session or check may hold {show_bytes(allowed)}; {show_bytes(free)} are free"
    if free and free < min(_LEAST_MEMORY, allowed):
        return iter([warn("memory", told, "end something, or lower 'parallel' in the plan")])
    version = "v2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1 or none"
    return iter(
        [ok("memory", f"{told}; watched by the engine, cgroups ({version}) are not needed")]
    )


def _available_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return int(next(found, "0")) * 1024


async def limits(ground: Ground) -> Iterator[Finding]:  # noqa: ARG001 - a probe's
    """Open files, processes, and what watchers of files may watch."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    watches = _number(_WATCHES)
    low = [
        _low("open files", files, _FEWEST_FILES, "ulimit -n 4096"),
        _low("processes", processes, _FEWEST_PROCESSES, "ulimit -u 4096"),
        _low(
            "inotify watches", watches, _FEWEST_WATCHES, "sysctl fs.inotify.max_user_watches=65536"
        ),
    ]
    told = f"{_shown(files)} open files, {_shown(processes)} processes"
    return iter([finding for finding in low if finding] or [ok("limits", told)])


def _low(what: str, limit: int, fewest: int, mend: str) -> Finding | None:
    if limit in (resource.RLIM_INFINITY, 0) or limit >= fewest:
        return None
    return warn("limits", f"only {limit} {what}; many sessions at once need more", mend)


def _shown(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


async def sockets(ground: Ground) -> Iterator[Finding]:
    """The engine's door is a unix socket; checks and gateways need the loopback."""
    findings = [_unix(ground), _loopback()]
    return iter(findings)


def _unix(ground: Ground) -> Finding:
    state = ground.repository.state_dir if ground.repository else ground.start / ".git/clerk"
    place = state / _SOCKET
    if len(os.fsencode(place)) <= LONGEST_SOCKET_PATH:
        return ok("socket", str(place))
    short = Path(tempfile.gettempdir(), _SHORT_NAME, _SOCKET)
    if len(os.fsencode(short)) <= LONGEST_SOCKET_PATH:
        return ok(
            "socket", f"its path would be too long here, so it lies in {tempfile.gettempdir()}"
        )
    told = f"{tempfile.gettempdir()} is too long a path for sockets"
    return missing("socket", told, "set TMPDIR to a short path")


def _loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=1).close()
    except OSError as error:
        told = f"127.0.0.1 cannot be used: {error.strerror or error}"
        return warn("loopback", told, "bring it up: ip link set lo up")
    return ok("loopback", "ports can be opened and reached")


async def clock(ground: Ground) -> Iterator[Finding]:
    """Nothing is decided by it; but what is shown would puzzle people."""
    now = time.time()
    ahead = [
        place for place in ground.places if place.exists() and place.stat().st_mtime > now + 60
    ]
    if now < _BUILT or ahead:
        told = f"it says {time.strftime('%Y-%m-%d %H:%M')}"
        told += f", yet {ahead[0]} was changed later" if ahead else ""
        return iter([warn("clock", told, "set it; times shown would be wrong")])
    return iter([ok("clock", time.strftime("%Y-%m-%d %H:%M %Z"))])


async def terminal(ground: Ground) -> Iterator[Finding]:
    """What the dashboard can draw with."""
    kind, code = ground.environ.get("TERM", ""), locale.getpreferredencoding(do_setlocale=False)
    told = f"TERM={kind or 'unset'}, {code}"
    if code.lower().replace("-", "") != "utf8":
        return iter([warn("terminal", f"{told}: signs will be wrong", "export LANG=C.UTF-8")])
    if sys.stdout.isatty() and kind in {"", "dumb"}:
        mend = "use another terminal for the dashboard; all other commands work"
        return iter([warn("terminal", told, mend)])
    colours = "no colours, by NO_COLOR" if ground.environ.get("NO_COLOR") else "colours"
    return iter([ok("terminal", f"{told}, {colours}")])

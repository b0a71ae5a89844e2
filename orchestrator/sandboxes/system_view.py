"""What every confined job sees of the machine: its programs, a few facts, and room of its own.

Of ``/etc`` only what programs need to find libraries, certificates, time and locale: no host's
names, accounts or keys. Options for bubblewrap; pure but for looking at what exists.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.sandboxes.toolchain import SYSTEM, is_system
from orchestrator.supervision.job import Handed

if TYPE_CHECKING:
    from collections.abc import Iterator

_FACTS = (
    *("alternatives", "ld.so.cache", "nsswitch.conf", "protocols", "services", "mime.types"),
    *("localtime", "timezone", "os-release", "ssl/certs", "ssl/openssl.cnf", "pki/tls/certs"),
    *("pki/ca-trust", "crypto-policies", "fonts", "postgresql-common"),
)
_JAVA = "java-*"

_RUN_BYTES = 64 << 20
_SMALL_BYTES = 128 << 10


def system_view(scratch_bytes: int) -> tuple[str, ...]:
    """Mounts of the system's own, with ``scratch_bytes`` of temporary space."""
    room = ("--size", str(scratch_bytes))
    return (
        *("--perms", "0755", "--dir", "/etc"),
        *_programs(),
        *("--dev", "/dev", *room, "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev"),
        *("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"),
        *("--ro-bind-try", "/proc/sysrq-trigger", "/proc/sysrq-trigger"),
        *(*room, "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108 - the job's own
        *(*room, "--perms", "1777", "--tmpfs", "/var/tmp"),  # noqa: S108
        *("--size", str(_RUN_BYTES), "--perms", "0755", "--tmpfs", "/run"),
    )


def shown(source: Path, place: Path | None = None, *, writable: bool = False) -> Iterator[str]:
    """A mount of ``source`` at its own path or at ``place``, below folders that all may pass."""
    place = place or source
    yield from _folders_to(place)
    yield from ("--bind" if writable else "--ro-bind", str(source), str(place))


def _folders_to(place: Path) -> Iterator[str]:
    for folder in reversed(place.parents[:-1]):
        yield from ("--perms", "0755", "--dir", str(folder))


def accounts(user: int, group: int, home: Path) -> tuple[str | Handed, ...]:
    """Who the job is, and the names of this machine: itself alone."""
    passwd = f"root:x:0:0:root:/:/bin/sh\nagent:x:{user}:{group}:agent:{home}:/bin/sh\n"
    files = {
        "passwd": passwd,
        "group": f"root:x:0:\nagent:x:{group}:\n",
        "hosts": "127.0.0.1 localhost clerk\n::1 localhost\n",
    }
    return tuple(
        word for name, text in files.items() for word in _copied(Path("/etc", name), text.encode())
    )


def copied_facts() -> Iterator[str | Handed]:
    """Those of ``fact_paths`` that are small files, as they are now: a mount of each costs more."""
    for fact in _small_facts():
        with suppress(OSError):  # gone since: nobody needs it to be there
            yield from _folders_to(fact)
            yield from _copied(fact, fact.read_bytes())


def _copied(place: Path, content: bytes) -> tuple[str | Handed, ...]:
    """A file of the root, which is made read-only as a whole in the end."""
    return ("--perms", "0444", "--file", Handed(content), str(place))


@cache
def _small_facts() -> frozenset[Path]:
    return frozenset(
        fact
        for fact in fact_paths()
        if fact.is_file() and not fact.is_symlink() and fact.stat().st_size <= _SMALL_BYTES
    )


@cache
def _programs() -> tuple[str, ...]:
    return (*_system_folders(), *_facts())


def _system_folders() -> Iterator[str]:
    for folder in SYSTEM:
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), str(folder))
        elif folder.is_dir():
            yield from shown(folder)


def _facts() -> Iterator[str]:
    for fact in fact_paths():
        if fact in _small_facts():
            continue
        if fact.is_symlink() and is_system(fact.resolve()):
            yield from ("--symlink", str(fact.resolve()), str(fact))
        else:
            yield from shown(fact)


def fact_paths() -> tuple[Path, ...]:
    """What every job may read of this machine's configuration."""
    etc = Path("/etc")
    facts = (*(etc / name for name in _FACTS), *sorted(etc.glob(_JAVA)))
    return tuple(fact for fact in facts if fact.exists())

"""Becomes a command that landlock's rules, a system call filter and limits hold.

    python -I -S landlock_launcher.py DESCRIPTOR -- COMMAND...

Reads what is to hold from the descriptor (written by ``landlock``, with the same Python), binds
itself to it for good and becomes the command: no process stands in between. Started with an empty
environment, since it may still be root while what the job's variables name may be the agent's.
Nothing of ours is imported, and of the standard library only what loads fast: every job waits for
it. Whatever cannot be held ends it before the command starts.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import stat
import struct
import sys
import warnings  # noqa: F401 - os looks it up when it is too late to load anything

TYPE_CHECKING = False  # the module of that name costs as much as all the others
if TYPE_CHECKING:
    from typing import Any

LEAST_ABI = 4

CANNOT_START, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_BLOCK, _TRUNCATE, _IOCTL_DEV = 1 << 6, 1 << 11, 1 << 14, 1 << 15
_ALL_PATHS = (1 << 16) - 1
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_IOCTL_SINCE, _SCOPE_SINCE = 5, 6
_BIND, _CONNECT = 1, 2
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_USE = _READ_FILE | _WRITE_FILE | _TRUNCATE
_WRITE = _ALL_PATHS & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV)

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2

_CAPABILITIES_VERSION, _CAPABILITIES_SIZE = 0x20080522, 24

_IGNORED = (13, 25)  # SIGPIPE, SIGXFSZ: Python ignores them, which would be inherited

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    descriptor, dashes, *command = sys.argv[1:]
    if dashes != "--" or not command:
        leave("usage: landlock_launcher.py DESCRIPTOR -- COMMAND...", CANNOT_START)
    with os.fdopen(int(descriptor), "rb") as handed:
        wanted = marshal.load(handed)  # noqa: S302 - the engine's own
    try:
        confine(wanted)
    except OSError as error:
        leave(f"landlock does not hold here: {error}", CANNOT_START)
    become(command, environment(wanted["env"]))


def confine(wanted: dict[str, Any]) -> None:
    """Give up everything but what is ``wanted``, in the order in which it can be given up."""
    ruleset = rules(wanted)
    if wanted["user"] is not None:
        become_user(wanted["user"])
    limit(wanted["limits"], own_user=wanted["user"] is not None)
    make_scratch(wanted["env"].get("TMPDIR"))
    called(_libc.prctl, _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    drop_capabilities()
    called(_libc.syscall, _RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    filter_calls(wanted["filter"])


def rules(wanted: dict[str, Any]) -> int:
    """A ruleset of everything the running kernel can hold, and what is granted in it."""
    abi = abi_here()
    if abi < LEAST_ABI:
        raise OSError(f"the kernel knows version {abi} of it, {LEAST_ABI} is needed")
    held = _ALL_PATHS if abi >= _IOCTL_SINCE else _ALL_PATHS & ~_IOCTL_DEV
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if abi >= _SCOPE_SINCE else 0
    attributes = struct.pack("=QQQ", held, _BIND | _CONNECT, scoped)
    ruleset = called(_libc.syscall, _CREATE_RULESET, attributes, len(attributes), 0)
    for name, access in (("readable", _READ), ("usable", _USE), ("writable", _WRITE)):
        for path in wanted[name]:
            grant(ruleset, path, access & held)
    for name, access in (("ports", _CONNECT), ("own_ports", _BIND)):
        for port in wanted[name]:
            rule = struct.pack("=QQ", access, port)
            called(_libc.syscall, _ADD_RULE, ruleset, _NET_PORT, rule, 0)
    return ruleset


def abi_here() -> int:
    """Which version of landlock the kernel offers; below 1 where there is none."""
    return int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION))


def grant(ruleset: int, path: str, access: int) -> None:
    """Allow what lies at and below ``path``; what does not exist needs no leave."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _FILE_ONLY
        rule = struct.pack("=Qi", access, place)
        called(_libc.syscall, _ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(place)


def become_user(user: int) -> None:
    """Be nobody else's; leaving root gives up its capabilities with it."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def drop_capabilities() -> None:
    """Have none; without new privileges even root gets none back by starting a program."""
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    called(_libc.capset, header, bytes(_CAPABILITIES_SIZE))


def limit(limits: dict[str, int], *, own_user: bool) -> None:
    others = 0 if own_user else tasks_of(os.getuid())
    wanted = {
        resource.RLIMIT_NPROC: limits["processes"] + others,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def tasks_of(user: int) -> int:
    """How many the user has already: the kernel counts those too."""
    count = 0
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                try:
                    if entry.stat().st_uid == user:
                        count += len(os.listdir(f"{entry.path}/task"))  # noqa: PTH208 - no pathlib
                except OSError:  # it ended meanwhile
                    continue
    return count


def make_scratch(folder: str | None) -> None:
    if folder and not os.path.isdir(folder):  # noqa: PTH112 - no pathlib
        os.mkdir(folder, 0o700)  # noqa: PTH102


def filter_calls(program: bytes) -> None:
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_char_p)]

    filter_ = Filter(len(program) // 8, program)
    called(_libc.prctl, _SET_SECCOMP, _FILTER, ctypes.byref(filter_), 0, 0)


def called(function: Any, *args: Any) -> int:
    """Call into C; a failure becomes an OSError."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in args]
    if (got := function(*words)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(got)


def environment(wanted: dict[str, str]) -> dict[str, str]:
    """The job's own, and the mark by which its strays are known, which the supervisor adds."""
    return {
        **wanted,
        **{name: os.environ[name] for name in ("CLERK_COOKIE",) if name in os.environ},
    }


def become(command: list[str], env: dict[str, str]) -> None:
    for number in _IGNORED:
        _libc.signal(number, None)
    try:
        os.execvpe(command[0], command, env)  # noqa: S606 - that is what it is for
    except FileNotFoundError:
        leave(f"{command[0]}: not found", NOT_FOUND)
    except OSError as error:
        leave(f"{command[0]}: {error.strerror}", NOT_EXECUTABLE)


def leave(sentence: str, code: int) -> None:
    sys.stderr.write(f"clerk: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()

"""The system calls no job may make: a seccomp filter as bytes, with no library at run time.

What is refused is what namespaces and file rules do not hold, or what has no use in building
software and a long record of kernel faults: tracing, key rings, mounts, new namespaces, io_uring,
kernel modules, typing into a terminal. A refused call fails (EPERM) and its caller lives on;
``clone3``, whose flags a filter cannot see, is answered as by an old kernel, so that libraries
fall back to ``clone``. Calls made as another architecture end the process: their numbers mean
other things. Sockets are named one by one: a family nobody thought of is refused.

Where the job shares the machine's namespaces (landlock), more is refused: all that would reach
somebody without a rule being asked. That is datagrams, other protocols, a first packet that
carries data, sockets that have a name in the file system, System V and POSIX queues, and the
limits of other processes.

Route netlink is open in a network of the job's own, since listing interfaces goes by it (every
dev server of node does) and there only the job's own loopback is to be seen.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from functools import cache

from orchestrator.errors import CannotRun
from orchestrator.sandboxes.bpf import Program

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000

_NUMBER, _ARCHITECTURE = 0, 4  # offsets into struct seccomp_data
_X32_BIT = 0x40000000

_NEW_NAMESPACE = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; NEWTIME needs clone3
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_TYPE_MASK = 0xF  # beside it stand SOCK_CLOEXEC and SOCK_NONBLOCK
_STREAM, _SEQPACKET = 1, 5
_ANY_PROTOCOL, _TCP = 0, 6
_FAST_OPEN = 0x20000000  # MSG_FASTOPEN
_SELF = 0

# Numbers on x86_64 and aarch64; None where there is no such call.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "msgctl": (71, 187),
    "msgget": (68, 186),
    "msgrcv": (70, 188),
    "msgsnd": (69, 189),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "prlimit64": (302, 261),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semctl": (66, 191),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "sendmmsg": (307, 269),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}

_MISSING = "clone3"
_JUDGED = ("ioctl", "clone", "socket", "socketpair")
_JUDGED_WHEN_SHARED = {
    "sendto": "fourth flags",
    "sendmmsg": "fourth flags",
    "sendmsg": "third flags",
    "prlimit64": "prlimit64",
}
REFUSED_WHEN_SHARED = (
    *("mq_open", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd"),
    *("semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmget"),
)
REFUSED = tuple(
    sorted(CALLS.keys() - {_MISSING, *_JUDGED, *_JUDGED_WHEN_SHARED, *REFUSED_WHEN_SHARED})
)


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: the number by which the kernel tells it, and its column in CALLS."""

    audit: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}


@cache
def filter_program(machine: str = "", *, shared: bool = False) -> bytes:
    """The filter as an array of ``struct sock_filter``, for ``machine`` (default: this one).

    Raises CannotRun for a machine whose system calls are not known here.
    """
    name = machine or os.uname().machine
    if name not in MACHINES:
        raise CannotRun(f"no system call filter is known for {name}: run with --sandbox none")
    program = Program()
    _dispatch(program, MACHINES[name], shared=shared)
    _judge_clone(program)
    _judge_ioctl(program)
    if shared:
        _judge_shared_sockets(program)
        _judge_shared_rest(program)
    else:
        _judge_own_sockets(program)
    _answers(program)
    return program.assembled()


def _dispatch(program: Program, machine: Machine, *, shared: bool) -> None:
    def when(name: str, goal: str) -> None:
        number = CALLS[name][machine.column]
        if number is not None:
            program.equal(number, yes=goal)

    program.load(_ARCHITECTURE)
    program.equal(machine.audit, no="kill")
    program.load(_NUMBER)
    program.at_least(_X32_BIT, yes="refuse")
    for name in _JUDGED:
        when(name, name)
    if shared:
        for name, label in _JUDGED_WHEN_SHARED.items():
            when(name, label)
    when(_MISSING, "missing")
    for name in (*REFUSED, *(REFUSED_WHEN_SHARED if shared else ())):
        when(name, "refuse")
    program.answer(_ALLOW)


def _judge_clone(program: Program) -> None:
    program.label("clone")
    program.load(_argument(0))
    program.any_bit(_NEW_NAMESPACE, yes="refuse", no="allow")


def _judge_ioctl(program: Program) -> None:
    program.label("ioctl")
    program.load(_argument(1))
    for request in _TERMINAL_INPUT:
        program.equal(request, yes="refuse")
    program.answer(_ALLOW)


def _judge_own_sockets(program: Program) -> None:
    program.label("socket")
    program.label("socketpair")
    program.load(_argument(0))
    for family in (_AF_UNIX, _AF_INET, _AF_INET6):
        program.equal(family, yes="allow")
    program.equal(_AF_NETLINK, no="refuse")
    program.load(_argument(2))
    program.equal(_NETLINK_ROUTE, yes="allow", no="refuse")


def _judge_shared_sockets(program: Program) -> None:
    """Leave TCP, which landlock's rules hold, and pairs that cannot be connected anew."""
    program.label("socket")
    program.load(_argument(0))
    program.equal(_AF_INET, yes="tcp")
    program.equal(_AF_INET6, no="refuse")
    program.label("tcp")
    program.load(_argument(1))
    program.keep(_TYPE_MASK)
    program.equal(_STREAM, no="refuse")
    program.load(_argument(2))
    program.equal(_ANY_PROTOCOL, yes="allow")
    program.equal(_TCP, yes="allow", no="refuse")

    program.label("socketpair")
    program.load(_argument(0))
    program.equal(_AF_UNIX, no="refuse")
    program.load(_argument(1))
    program.keep(_TYPE_MASK)
    program.equal(_STREAM, yes="allow")
    program.equal(_SEQPACKET, yes="allow", no="refuse")


def _judge_shared_rest(program: Program) -> None:
    """Leave only data on connections that were asked for, and limits of the caller itself."""
    for label, place in (("third flags", 2), ("fourth flags", 3)):
        program.label(label)
        program.load(_argument(place))
        program.any_bit(_FAST_OPEN, yes="refuse", no="allow")
    program.label("prlimit64")
    program.load(_argument(0))
    program.equal(_SELF, yes="allow", no="refuse")


def _answers(program: Program) -> None:
    for label, value in (
        ("allow", _ALLOW),
        ("refuse", _ERRNO | errno.EPERM),
        ("missing", _ERRNO | errno.ENOSYS),
        ("kill", _KILL),
    ):
        program.label(label)
        program.answer(value)


def _argument(place: int) -> int:
    """Where the low word of an argument lies; the kernel looks at no more of these either."""
    return 16 + 8 * place

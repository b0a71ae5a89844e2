"""The filter, run by a small machine of our own for every call, and by the kernel for some."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import struct
import sys
from pathlib import Path

import pytest

from orchestrator.errors import CannotRun
from orchestrator.sandboxes.bpf import Program
from orchestrator.sandboxes.seccomp import (
    CALLS,
    MACHINES,
    REFUSED,
    REFUSED_WHEN_SHARED,
    filter_program,
)
from orchestrator.supervision.job import Completed, Handed
from orchestrator.supervision.process import run

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
MISSING = 0x00050000 | errno.ENOSYS
KILL = 0x80000000

UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
STREAM, DATAGRAM, RAW, SEQPACKET, CLOEXEC, NONBLOCK = 1, 2, 3, 5, 0o2000000, 0o4000
TCP, UDP, MPTCP = 6, 17, 262
HIGH = 0xDEAD << 32

both_machines = pytest.mark.parametrize("machine", sorted(MACHINES))


def judged(code: bytes, number: int, args: tuple[int, ...], audit: int) -> int:
    """What the filter answers, by the rules of classic BPF."""
    data = struct.pack("<iIQ6Q", number, audit, 0, *args, *[0] * (6 - len(args)))
    lines, at, word = list(struct.iter_unpack("=HBBI", code)), 0, 0
    while True:
        operation, yes, no, value = lines[at]
        at += 1
        if operation == 0x20:
            (word,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:
            word &= value
        elif operation == 0x06:
            return int(value)
        else:
            holds = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}
            at += yes if holds[operation] else no


def answer(machine: str, name: str, *args: int, shared: bool = False) -> int:
    known = MACHINES[machine]
    number = CALLS[name][known.column]
    assert number is not None
    return judged(filter_program(machine, shared=shared), number, args, known.audit)


@both_machines
@pytest.mark.parametrize("shared", [False, True])
def test_every_listed_call_is_refused_and_no_other(machine: str, shared: bool) -> None:  # noqa: FBT001
    known = MACHINES[machine]
    listed = {*REFUSED, *(REFUSED_WHEN_SHARED if shared else ())}
    numbers = {CALLS[name][known.column] for name in listed} - {None}
    weighed = {n[known.column] for name, n in CALLS.items() if name not in listed}
    for number in set(range(600)) - weighed:
        wanted = REFUSE if number in numbers else ALLOW
        code = filter_program(machine, shared=shared)
        assert judged(code, number, (), known.audit) == wanted, number


def test_what_the_recipe_names_is_refused() -> None:
    named = (
        "ptrace process_vm_readv process_vm_writev bpf keyctl add_key request_key "
        "userfaultfd io_uring_setup io_uring_enter io_uring_register perf_event_open mount "
        "umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount fspick "
        "mount_setattr swapon swapoff reboot setns unshare kexec_load kexec_file_load "
        "init_module finit_module delete_module quotactl acct settimeofday clock_settime "
        "open_by_handle_at kcmp pidfd_getfd nfsservctl vhangup syslog lookup_dcookie"
    )
    assert set(named.split()) <= set(REFUSED)


@both_machines
def test_calls_of_another_architecture_end_the_process(machine: str) -> None:
    code = filter_program(machine)
    others = [0x40000003, *(m.audit for name, m in MACHINES.items() if name != machine)]
    assert {judged(code, 0, (), audit) for audit in others} == {KILL}


@pytest.mark.parametrize("number", [0x40000000, 0x40000000 + 101, 0x40000209, -1])
def test_calls_of_the_x32_abi_are_refused(number: int) -> None:
    assert judged(filter_program("x86_64"), number, (), MACHINES["x86_64"].audit) == REFUSE


@both_machines
def test_clone_makes_threads_and_children_but_no_namespaces(machine: str) -> None:
    thread, child = 0x3D0F00, 0x1200011
    for flags in (thread, child, child | HIGH):
        assert answer(machine, "clone", flags) == ALLOW
    for new in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, "clone", child | new) == REFUSE
        assert answer(machine, "clone", child | new | HIGH) == REFUSE
    assert answer(machine, "clone3") == MISSING


@both_machines
def test_no_bits_above_hide_typing_into_a_terminal(machine: str) -> None:
    for request in (0x5412, 0x541C):
        assert answer(machine, "ioctl", 0, request) == REFUSE
        assert answer(machine, "ioctl", 0, request | HIGH) == REFUSE
    for request in (0x5401, 0x5413, 0x541B, 0x5421):
        assert answer(machine, "ioctl", 0, request) == ALLOW


@both_machines
def test_in_a_network_of_its_own_a_job_has_four_families(machine: str) -> None:
    for call in ("socket", "socketpair"):
        allowed = {f for f in range(64) if answer(machine, call, f, STREAM, 0) == ALLOW}
        assert allowed == {UNIX, INET, INET6, NETLINK}
    assert answer(machine, "socket", INET, DATAGRAM, UDP) == ALLOW
    assert answer(machine, "socket", 40 | HIGH, STREAM, 0) == REFUSE


@both_machines
def test_of_netlink_only_routes_may_be_asked(machine: str) -> None:
    open_ = {p for p in range(32) if answer(machine, "socket", NETLINK, RAW, p) == ALLOW}
    assert open_ == {0}


@both_machines
def test_in_a_shared_network_a_job_has_tcp_alone(machine: str) -> None:
    def made(family: int, kind: int, protocol: int = 0) -> int:
        return answer(machine, "socket", family, kind, protocol, shared=True)

    for family in (INET, INET6):
        for kind in (STREAM, STREAM | CLOEXEC, STREAM | NONBLOCK | CLOEXEC):
            assert made(family, kind) == made(family, kind, TCP) == ALLOW
        for kind, protocol in ((DATAGRAM, 0), (RAW, 1), (STREAM, MPTCP), (STREAM, 132), (4, 0)):
            assert made(family, kind, protocol) == REFUSE
    assert {f for f in range(64) if made(f, STREAM) == ALLOW} == {INET, INET6}


@both_machines
def test_in_a_shared_network_a_pair_cannot_be_turned_elsewhere(machine: str) -> None:
    def paired(family: int, kind: int) -> int:
        return answer(machine, "socketpair", family, kind, 0, shared=True)

    kinds = {kind for kind in range(16) if paired(UNIX, kind | CLOEXEC) == ALLOW}
    assert kinds == {STREAM, SEQPACKET}
    assert paired(INET, STREAM) == REFUSE


@both_machines
def test_in_a_shared_network_no_data_goes_before_the_connection(machine: str) -> None:
    fast, silent = 0x20000000, 0x4000
    for call, before in (("sendto", 3), ("sendmmsg", 3), ("sendmsg", 2)):
        zeros = [0] * before
        assert answer(machine, call, *zeros, silent, shared=True) == ALLOW
        assert answer(machine, call, *zeros, silent | fast, shared=True) == REFUSE
        assert answer(machine, call, *zeros, fast) == ALLOW
    assert answer(machine, "prlimit64", 0, shared=True) == ALLOW
    assert answer(machine, "prlimit64", 1, shared=True) == REFUSE


def test_a_machine_without_a_table_is_an_error() -> None:
    with pytest.raises(CannotRun, match="no system call filter is known for s390x"):
        filter_program("s390x")


def test_a_jump_that_cannot_be_made_is_an_error() -> None:
    far, nowhere, back = Program(), Program(), Program()
    far.equal(1, yes="end")
    for _ in range(256):
        far.load(0)
    far.label("end")
    nowhere.equal(1, no="lost")
    back.label("start")
    back.equal(1, yes="start")
    for program in (far, nowhere, back):
        with pytest.raises(ValueError, match=r"out of reach|not set"):
            program.assembled()
    with pytest.raises(ValueError, match="set twice"):
        back.label("start")


HEADERS = {
    "x86_64": f"/usr/include/{platform.machine()}-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}


@both_machines
def test_the_numbers_are_those_of_the_systems_headers(machine: str) -> None:
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip(f"no {header} here")
    told = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s", header.read_text()))
    ours = {name: numbers[MACHINES[machine].column] for name, numbers in CALLS.items()}
    newer = {"open_tree_attr"}
    assert {name: int(told[name]) for name in ours if name in told} == {
        name: number for name, number in ours.items() if name in told
    }
    assert {name for name, number in ours.items() if number is not None} - told.keys() <= newer


# What the kernel makes of it ---------------------------------------------------------------

TRIES = r"""
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
calls = json.loads(os.environ["CALLS"])
def tried(name, *args):
    ctypes.set_errno(0)
    got = libc.syscall(*map(ctypes.c_long, (calls[name], *args)))
    return ctypes.get_errno() if got < 0 else 0
def opened(*kind):
    try:
        socket.socket(*kind).close()
    except OSError as error:
        return error.errno
    return 0
told = {
    "keyctl": tried("keyctl", 0, -3, 1),
    "unshare": tried("unshare", 0),
    "io_uring_setup": tried("io_uring_setup", 0, 0),
    "process_vm_readv": tried("process_vm_readv", os.getpid(), 0, 0, 0, 0, 0),
    "open_tree": tried("open_tree", -1, 0, 0),
    "clone3": tried("clone3", 0, 0),
    "personality": tried("personality", 0xFFFFFFFF),
    "TIOCSTI": tried("ioctl", -1, 0x5412, 0),
    "TIOCSTI above": tried("ioctl", -1, 0x5412 | 1 << 40, 0),
    "TIOCGWINSZ": tried("ioctl", -1, 0x5413, 0),
    "audit": opened(socket.AF_NETLINK, socket.SOCK_RAW, 9),
    "alg": opened(38, socket.SOCK_SEQPACKET),
    "unix": opened(socket.AF_UNIX),
    "udp": opened(socket.AF_INET, socket.SOCK_DGRAM),
    "ptrace": tried("ptrace", 0, 0, 0, 0),
}
print(json.dumps(told))
"""


PYTHON = str(Path(sys.executable).resolve())
"""Itself, since its virtual environment may lie in a folder that is covered inside."""


async def in_bwrap(bwrap: str, *command: str, filtered: bool = True, **env: str) -> Completed:
    word = ("--seccomp", Handed(filter_program())) if filtered else ()
    place = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")
    user = ("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--chdir", "/tmp")
    argv = (bwrap, *place, *user, "--setenv", "HOME", "/tmp", *word, "--", *command)
    return await run(argv, cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": "C", **env})


@pytest.mark.anyio
async def test_the_kernel_refuses_what_it_would_else_do(bwrap: str) -> None:
    column = MACHINES[os.uname().machine].column
    numbers = {name: pair[column] for name, pair in {**CALLS, "personality": (135, 92)}.items()}
    told = []
    for filtered in (True, False):
        done = await in_bwrap(
            bwrap, PYTHON, "-c", TRIES, filtered=filtered, CALLS=json.dumps(numbers)
        )
        assert done.code == 0, done.stderr
        told.append(json.loads(done.stdout))
    held, loose = told
    open_to_all = {"personality": 0, "unix": 0, "udp": 0, "TIOCGWINSZ": errno.EBADF}
    assert held == dict.fromkeys(held, errno.EPERM) | open_to_all | {"clone3": errno.ENOSYS}
    assert errno.EPERM not in loose.values()
    assert errno.ENOSYS not in loose.values()


@pytest.mark.anyio
@pytest.mark.skipif(platform.machine() != "x86_64", reason="x32 is of x86_64")
async def test_the_kernel_takes_the_x32_number_for_no_way_around(bwrap: str) -> None:
    script = "import ctypes,os; c=ctypes.CDLL(None,use_errno=True); r=c.syscall({}); print(r,ctypes.get_errno())"
    done = await in_bwrap(bwrap, PYTHON, "-c", script.format(0x40000000 + 39))
    assert done.stdout.split() == [b"-1", str(errno.EPERM).encode()]


PROGRAMS = {
    "git": "git init -q r && cd r && git -c user.name=a -c user.email=a commit -qm x --allow-empty && git gc -q && git stash list && echo done",
    "python3": 'python3 -c \'import multiprocessing as m, socket; m.set_start_method("spawn"); p=m.Pool(2); assert p.map(abs,[-1])==[1]; p.close(); p.join(); socket.getaddrinfo("localhost",80); print("done")\'',
    "node": 'node -e \'require("os").networkInterfaces(); require("dns").lookup("localhost",e=>{if(e)throw e; require("child_process").execSync("true"); new (require("worker_threads").Worker)("1",{eval:true}).on("exit",()=>console.log("done"))})\'',
    "sqlite3": "sqlite3 x.db 'pragma journal_mode=wal; create table t(a); insert into t values(1)' >/dev/null && echo done",
}
SLOW_PROGRAMS = {
    "npm": "npm --version >/dev/null && echo done",
    "java": 'printf \'class A { public static void main(String[] a) throws Exception { java.net.InetAddress.getByName("localhost"); java.net.NetworkInterface.getNetworkInterfaces().nextElement(); new ProcessBuilder("true").start().waitFor(); System.out.println("done"); } }\' >A.java && java A.java',
    "initdb": "initdb -D data -U a >/dev/null && pg_ctl -D data -w -o '-k /tmp -h 127.0.0.1' start >/dev/null && psql -h /tmp -U a -d postgres -Atc \"select 'done'\"; pg_ctl -D data -m immediate stop >/dev/null",
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name", [*PROGRAMS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_PROGRAMS)]
)
async def test_what_builders_use_works_under_the_filter(bwrap: str, name: str) -> None:
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([*map(str, postgres), os.environ["PATH"]])
    if shutil.which(name, path=path) is None:
        pytest.skip(f"{name} is not installed")
    done = await in_bwrap(bwrap, "sh", "-c", (PROGRAMS | SLOW_PROGRAMS)[name], PATH=path)
    assert (done.code, done.stdout.strip()) == (0, b"done"), done.stderr

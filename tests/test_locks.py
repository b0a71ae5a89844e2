"""One engine per repository, whatever happens to the others."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.errors import CannotRun, EngineLocked
from orchestrator.locks import EngineLock, Holder

HOLD = """
import subprocess, sys
from pathlib import Path
from orchestrator.locks import EngineLock
lock = EngineLock(Path(sys.argv[1]))
lock.acquire()
lock.update(socket="/run/clerk.sock")
child = subprocess.Popen(["sleep", "600"], close_fds=False, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
"""
FIGHT = """
import os, sys
from pathlib import Path
from orchestrator.errors import EngineLocked
from orchestrator.locks import EngineLock
path = Path(sys.argv[1])
ring, held = path.with_name("ring"), 0
print("ready", flush=True)
sys.stdin.readline()
while held < 40:
    lock = EngineLock(path)
    try:
        lock.acquire()
    except EngineLocked:
        continue
    os.close(os.open(ring, os.O_CREAT | os.O_EXCL))
    held += 1
    ring.unlink()
    lock.release()
"""

Start = Callable[[str, Path], "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts scripts in processes of their own and ends those that are left."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, path: Path) -> subprocess.Popen[str]:
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", script, str(path)]
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_the_loser_is_told_who_holds_the_lock(path: Path, start: Start) -> None:
    engine = start(HOLD, path)
    child = int(engine.stdout.readline())
    try:
        lock = EngineLock(path)
        since = rf"engine pid {engine.pid} on \S+ since \d\d:\d\d holds .*lock; stop it with"
        with pytest.raises(EngineLocked, match=since):
            lock.acquire()
        holder = lock.holder()
        assert holder is not None
        assert (holder.pid, holder.socket) == (engine.pid, "/run/clerk.sock")
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_killed_engine_holds_nothing_though_its_child_lives(path: Path, start: Start) -> None:
    engine = start(HOLD, path)
    child = int(engine.stdout.readline())
    try:
        engine.kill()
        engine.wait()
        os.kill(child, 0)
        lock = EngineLock(path)
        assert lock.holder() is None
        with lock:
            assert lock.holder() == EngineLock(path).holder()
            assert lock.holder().pid == os.getpid()
    finally:
        os.kill(child, signal.SIGKILL)


def test_two_processes_that_fight_never_hold_it_both(path: Path, start: Start) -> None:
    fighters = [start(FIGHT, path) for _ in range(2)]
    for fighter in fighters:
        fighter.stdout.readline()
    for fighter in fighters:
        fighter.stdin.write("go\n")
        fighter.stdin.flush()
    assert [fighter.wait() for fighter in fighters] == [0, 0]


def test_two_locks_in_one_process_exclude_each_other(path: Path) -> None:
    with EngineLock(path), pytest.raises(EngineLocked):
        EngineLock(path).acquire()
    with EngineLock(path):
        pass


def test_a_lock_file_that_was_replaced_while_locking_is_locked_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    replaced: list[int] = []

    def replace_once(fd: int, kind: int) -> None:
        flock(fd, kind)
        if not replaced:
            replaced.append(os.fstat(fd).st_ino)
            path.rename(path.with_name("old"))
            path.write_text("")

    monkeypatch.setattr(fcntl, "flock", replace_once)
    with EngineLock(path):
        monkeypatch.undo()
        assert replaced == [path.with_name("old").stat().st_ino]
        with pytest.raises(EngineLocked):
            EngineLock(path).acquire()


def test_looking_who_holds_it_does_not_keep_an_engine_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look takes the lock shared for a moment; acquiring outlasts it."""
    path.touch()
    probe = path.open("rb")
    fcntl.flock(probe, fcntl.LOCK_SH)
    monkeypatch.setattr(time, "sleep", lambda _: probe.close())
    with EngineLock(path) as lock:
        assert lock.holder().pid == os.getpid()


def test_the_file_stays_and_is_for_its_owner_alone(path: Path) -> None:
    with EngineLock(path):
        assert path.stat().st_mode & 0o777 == 0o600
        inode = path.stat().st_ino
    assert path.stat().st_ino == inode


def test_facts_may_become_shorter_and_nonsense_is_borne(path: Path) -> None:
    with EngineLock(path) as lock:
        lock.update(socket="/a/long/path/" * 20)
        lock.update(socket="/short")
        assert EngineLock(path).holder().socket == "/short"
        assert json.loads(path.read_text())["socket"] == "/short"
        for nonsense in (b"", b"\xff\xfe", b"[1]", b'{"pid": 1, "unknown": 2}'):
            path.write_bytes(nonsense)
            assert EngineLock(path).holder() == Holder()
            with pytest.raises(EngineLocked, match="another engine holds"):
                EngineLock(path).acquire()


def test_a_lock_that_is_not_held_tells_nothing(path: Path) -> None:
    lock = EngineLock(path)
    assert lock.holder() is None
    assert not path.exists()
    with pytest.raises(RuntimeError, match="not held"):
        lock.update(socket="/s")
    lock.release()


def test_a_place_that_cannot_hold_a_lock_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="nowhere/lock cannot be made"):
        EngineLock(tmp_path / "nowhere" / "lock").acquire()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotRun, match="link cannot be made"):
        EngineLock(tmp_path / "link").acquire()


def test_a_start_on_another_day_is_told_with_its_date() -> None:
    assert " since 2001-09-0" in str(Holder(pid=1, host="h", started=1_000_000_000.0))

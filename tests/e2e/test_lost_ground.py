"""What the engine stands on goes while it works: it ends with a sentence, and goes on later."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from waiting import is_gone, until_blocking

FULL = """
set -e
mount -t tmpfs -o size=24m none "$STATE"
set +e
"$PYTHON" -m orchestrator.cli run "$PLAN" --merge auto >"$TOLD" 2>&1
echo "$?" >"$TOLD.code"
git for-each-ref refs/heads/main >"$TOLD.main"
rm "$STATE/filler"
"$PYTHON" -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \\
print(c.execute("PRAGMA integrity_check").fetchone()[0])' "$STATE/clerk.db" >"$TOLD.check"
exec "$PYTHON" -m orchestrator.cli run "$PLAN" --merge auto
"""


@pytest.mark.parametrize(
    "gone",
    [
        "lock",
        pytest.param("clerk.db", marks=pytest.mark.slow),
        pytest.param("clerk.db-wal", marks=pytest.mark.slow),
        pytest.param("", marks=pytest.mark.slow, id="all of it"),
    ],
)
def test_an_engine_whose_state_is_removed_ends_and_harms_nothing(yard, gone):
    """A lock that is gone lets a second engine in; a file that is gone takes writes nobody sees."""
    plan = yard.plan({"a": f"{yard.waits('hold')}; echo good > a.txt"})
    running = yard.start("run", str(plan), "--merge", "auto")
    yard.begun("hold")
    target = yard.git("rev-parse", "main")
    if gone:
        (yard.state / gone).unlink()
    else:
        shutil.rmtree(yard.state)
    yard.gate("hold").touch()
    told, _ = running.communicate()
    assert running.returncode == 4, told
    assert told.count("clerk: ") == 1
    assert "Traceback" not in told
    assert yard.git("rev-parse", "main") == target
    assert "1 merged" in yard.clerk("run", str(plan), "--merge", "auto").stdout


@pytest.mark.slow
def test_an_engine_that_slept_through_its_successor_never_writes_again(yard):
    """It is stopped, its lock removed, and another engine does all there was to do."""
    plan = yard.plan({"a": [f"{yard.waits('hold')}; echo never > a.txt", "echo good > a.txt"]})
    script = yard.home / "scripts/a.1.sh"
    script.write_text(
        f'mkdir "{yard.home}/once" || exec sh "${{0%1.sh}}2.sh"\n{script.read_text()}'
    )
    first = yard.start("run", str(plan), "--merge", "auto")
    session = yard.begun("hold")
    first.send_signal(signal.SIGSTOP)
    (yard.state / "lock").unlink()
    assert "1 merged" in yard.clerk("run", str(plan), "--merge", "auto").stdout
    assert is_gone(session), "what the former engine started was ended first"
    before = known(yard)
    first.send_signal(signal.SIGCONT)
    told, _ = first.communicate()
    assert first.returncode == 4, told
    assert "Traceback" not in told
    assert known(yard) == before


def known(yard) -> tuple[str, list[tuple]]:
    """All refs, and all that is stored of tasks and events."""
    with closing(sqlite3.connect(yard.state / "clerk.db")) as database:
        tasks = database.execute("SELECT * FROM task").fetchall()
        events = database.execute("SELECT * FROM event ORDER BY seq").fetchall()
    return yard.git("for-each-ref"), tasks + events


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_full_disk_ends_the_run_and_the_same_command_goes_on(yard):
    """The session fills the disk of the state; its own failure is not put on its account."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.fail("no private mount namespace to be had here")
    fill = f'cat /dev/zero > "{yard.state}/filler" 2>/dev/null; false'
    plan = yard.plan({"a": [fill, "echo never > a.txt"]}, budget={"attempts": 1})
    once = yard.home / "once"
    script = yard.home / "scripts/a.1.sh"
    script.write_text(f'if mkdir "{once}"; then {fill}; else echo good > a.txt; fi\n')
    yard.state.mkdir(exist_ok=True)
    told = yard.home / "told"
    env = yard.env(STATE=str(yard.state), PLAN=str(plan), TOLD=str(told), PYTHON=sys.executable)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", FULL],
        cwd=yard.path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert Path(f"{told}.code").read_text().strip() == "4", told.read_text()
    assert "no space is left" in told.read_text() or "is full" in told.read_text()
    assert Path(f"{told}.check").read_text().strip() == "ok"
    assert done.returncode == 0, done.stderr
    assert "1 merged" in done.stdout


def test_a_session_inherits_neither_the_lock_nor_the_database(yard):
    """Whoever has the lock's descriptor keeps the lock after the engine was killed."""
    plan = yard.plan({"a": f"{yard.waits('hold')}; echo good > a.txt"})
    running = yard.start("run", str(plan), "--merge", "auto")
    pid = yard.begun("hold")
    held = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    yard.gate("hold").touch()
    running.communicate()
    assert not [path for path in held if path.startswith(str(yard.state)) and "logs" not in path]


def test_a_recorded_pid_that_is_somebody_elses_by_now_is_let_alone(yard):
    """After a reboot the number in the lock belongs to another; only the lock itself counts."""
    plan = yard.plan({"a": "echo good > a.txt"})
    with subprocess.Popen(["sleep", "60"]) as stranger:
        yard.state.mkdir(exist_ok=True)
        told = f'{{"pid": {stranger.pid}, "boot_id": "another", "socket": "/nowhere"}}'
        (yard.state / "lock").write_text(told)
        yard.clerk("run", str(plan), "--merge", "auto")
        assert stranger.poll() is None
        stranger.kill()
    until_blocking(lambda: yard.holder is None)

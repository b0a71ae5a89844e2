"""Nothing outlives its job, whatever it did to get away.

Who is still alive is not asked of a list of processes, from under which a process can hop away:
every process of a job holds the writing end of one pipe, and its reader sees an end only when the
last of them is gone. Bare, one thing is not promised: that a process which keeps forking itself
away is caught. In a sandbox all is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from waiting import is_gone, patience, until, until_blocking

import orchestrator
from orchestrator.sandboxes.bubblewrap import Bubblewrap
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.supervision import orphans
from orchestrator.supervision.companion import Companion
from orchestrator.supervision.job import Ending, Exit, Job
from orchestrator.supervision.process import run, supervise
from orchestrator.supervision.pulse import Pulse

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("adopting")]

ALONE = "</dev/null >/dev/null 2>&1"
HOPPER = """
import os, time
os.setsid()
os.write(9, b"x")
due = time.monotonic() + 8
while time.monotonic() < due:
    if os.fork():
        os._exit(0)
    time.sleep(0.001)
"""

HEADLESS = """
import ctypes, os, platform, threading, time
os.setsid()
threading.Thread(target=time.sleep, args=(600,)).start()
os.write(9, b"x")
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""

FILES = {
    "headless.py": HEADLESS,
    "hopper.py": HOPPER,
    "branch.sh": "[ $# = 2 ] || setsid sh branch.sh $* 1 &\necho x >&9; sleep 600\n",
    "stubborn.sh": "trap '' TERM HUP; echo x >&9; kill -STOP $$; sleep 600\n",
}
KINDS = {
    "a daemon": (1, f"(setsid sh -c 'echo x >&9; sleep 600' {ALONE} &); sleep 600"),
    "a pipe-holder": (1, "sh -c 'echo x >&9; sleep 600' & sleep 600"),
    "one that ignores every signal": (
        1,
        "trap '' TERM INT HUP QUIT; echo x >&9; while :; do sleep 600; done",
    ),
    "one that is stopped": (1, "echo x >&9; kill -STOP $$; sleep 600"),
    "a tree of sessions": (15, "for i in 1 2 3 4 5; do sh branch.sh & done; sleep 600"),
    "one that detached, ignores and stopped": (
        1,
        f"(setsid sh stubborn.sh {ALONE} &); sleep 600",
    ),
    "one whose first thread has ended": (
        1,
        f"(python3 headless.py {ALONE} &); sleep 600",
    ),
    "one whose environment is wiped": (
        1,
        f"(setsid env -i sh -c 'echo x >&9; sleep 600' {ALONE} &); sleep 600",
    ),
}


@dataclass
class Line:
    """A pipe that every process of a job holds, and the job that makes them."""

    folder: Path
    env: dict[str, str]
    enclosed: bool

    def __post_init__(self) -> None:
        os.mkfifo(self.folder / "line", 0o666)
        self.end = os.open(self.folder / "line", os.O_RDONLY | os.O_NONBLOCK)
        self.marks = 0

    async def job(self, line: str, **more: object) -> Job:
        script = self.folder / "script.sh"
        script.write_text(f"exec 9>line\n{line}\n")
        for name, text in FILES.items():
            (self.folder / name).write_text(text)
        job = Job(("sh", str(script)), self.folder, self.env, "test")
        job = replace(job, **more)  # type: ignore[arg-type]
        if not self.enclosed:
            return job
        sandbox = Bubblewrap()
        enclosure = Enclosure(str(self.folder), writable=(self.folder,))
        await sandbox.make_over(enclosure)
        return sandbox.wrap(job, enclosure)

    def has(self, marks: int) -> Callable[[], bool]:
        def there() -> bool:
            self.is_over()
            return self.marks >= marks

        return there

    def is_over(self) -> bool:
        """Whether nobody holds the pipe; what they wrote is counted."""
        while True:
            try:
                told = os.read(self.end, 4096)
            except BlockingIOError:
                return False
            self.marks += told.count(b"x")
            if not told:
                return True


@pytest.fixture(params=["bare", "sandboxed"])
def line(request: pytest.FixtureRequest, tmp_path: Path, env: dict[str, str]) -> Line:
    if request.param == "sandboxed":
        request.getfixturevalue("bubblewrap")
    (tmp_path / "inside").mkdir()
    return Line(tmp_path / "inside", env, request.param == "sandboxed")


async def cancelled_after(job: Job, ready: Callable[[], bool]) -> list[Exit]:
    """Run ``job`` until ``ready``, then cancel it; its end when it came by itself."""
    ends: list[Exit] = []

    async def run() -> None:
        ends.append(await supervise(job))

    async with anyio.create_task_group() as jobs:
        jobs.start_soon(run)
        await until(lambda: ready() or bool(ends))
        jobs.cancel_scope.cancel()
    return ends


@pytest.mark.parametrize("grace", [0.0, 0.2])
@pytest.mark.parametrize("kind", KINDS)
async def test_when_a_job_was_stopped_nobody_of_it_is_left(
    line: Line, kind: str, grace: float
) -> None:
    marks, script = KINDS[kind]
    job = await line.job(script, grace_seconds=grace)
    assert await cancelled_after(job, line.has(marks)) == [], "it did not end by itself"
    assert line.is_over()
    assert line.marks == marks


async def test_who_ends_between_two_looks_leaves_nobody(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The children are read, then one of them ends: its own child is ours from then on."""
    read, looks = orphans._children, []
    others = set(read())

    def read_just_before() -> list[int]:
        looks.append(read())
        if len(looks) != 2:
            return looks[-1]
        until_blocking(lambda: all(map(is_gone, set(looks[0]) - others)))
        return looks[0]

    daemon = f"(setsid sh -c 'echo x >&9; : >up; sleep 600; :' {ALONE} &)"
    job = await line.job(f"{daemon}; until [ -e up ]; do sleep 0.01; done")
    monkeypatch.setattr(orphans, "bury", lambda: None)
    monkeypatch.setattr(orphans, "_children", read_just_before)
    assert (await supervise(job)).ok
    assert line.is_over()


async def test_a_command_that_stays_shields_nobody_else(
    tmp_path: Path, env: dict[str, str]
) -> None:
    line = Line(tmp_path, env, enclosed=False)
    job = await line.job(
        f"(setsid sh -c ': >up; sleep 600' {ALONE} &); until [ -e up ]; do :; done"
    )
    stays = Companion(("cat",), cwd=tmp_path, env=env)
    try:
        await run(job.argv, cwd=job.cwd, env=env)
        await orphans.clear()
        assert line.is_over()
        assert await stays.ask(b"are you there?\n", b"?\n", timeout_seconds=60)
    finally:
        stays.end()


async def test_a_job_that_ends_well_leaves_no_daemon(line: Line) -> None:
    daemon = f"(setsid sh -c 'echo x >&9; : >up; sleep 600' {ALONE} &)"
    script = f"{daemon}; until [ -e up ]; do sleep 0.01; done"
    ended = await supervise(await line.job(script))
    assert ended.ok, ended
    assert line.is_over()
    assert line.marks == 1


async def test_a_process_that_hops_away_is_caught_in_a_sandbox(line: Line) -> None:
    """Bare it may win the race, and this promises nothing; it ends by itself after a while."""
    job = await line.job(f"python3 hopper.py {ALONE} & sleep 600")
    with anyio.fail_after(60):
        await cancelled_after(job, line.has(1))
    if line.enclosed:
        assert line.is_over()
    else:
        await until(line.is_over)
    assert line.marks == 1


async def test_an_enclosed_command_hears_term_and_may_say_a_last_word(line: Line) -> None:
    told: list[str] = []
    script = "trap 'echo bye; exit 7' TERM; echo x >&9; kill -STOP $$; sleep 600 & wait"
    pulse = Pulse()
    job = await line.job(script, idle_seconds=0.2, pulse=pulse)
    async with anyio.create_task_group() as group:
        group.start_soon(patience, pulse, line.has(1))
        ended = await supervise(job, told.append)
    assert (ended.ending, ended.code, told) == (Ending.IDLE, 7, ["bye"])


ENGINE = """
import os, sys
from pathlib import Path
import anyio
from orchestrator.supervision.process import supervise
from orchestrator.sandboxes.bubblewrap import Bubblewrap
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.supervision.job import Job

async def main(folder):
    env = {"PATH": os.environ["PATH"]}
    enclosure = Enclosure(folder, writable=(Path(folder),))
    await Bubblewrap().make_over(enclosure)
    async with anyio.create_task_group() as sessions:
        for name in "1234":
            job = Job(("sh", "session.sh"), Path(folder), env, name)
            sessions.start_soon(supervise, Bubblewrap().wrap(job, enclosure))

anyio.run(main, sys.argv[1])
"""


@pytest.mark.usefixtures("bubblewrap")
async def test_an_engine_killed_outright_takes_its_sandboxed_sessions_along(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """Without a watchman: the kernel does it."""
    line = Line(tmp_path, env, enclosed=True)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "session.sh").write_text(
        f"exec 9>line; setsid sh stubborn.sh & (setsid sh stubborn.sh {ALONE} &); sh stubborn.sh"
    )
    root = str(Path(orchestrator.__file__).parents[1])
    engine = await anyio.open_process(
        [sys.executable, "-c", ENGINE, str(tmp_path)], env={**os.environ, "PYTHONPATH": root}
    )
    await until(line.has(12))
    assert not line.is_over()
    engine.kill()
    await engine.wait()
    await until(line.is_over)
    await engine.aclose()

"""Nothing outlives its engine: the watchman, the sweep, and what they must not touch."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from waiting import is_gone, until_blocking

from orchestrator.supervision import orphans, watchman
from orchestrator.supervision.watchman import kill_marked, read_cookie

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")

ENGINE = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    import anyio
    from orchestrator.supervision import orphans
    from orchestrator.supervision import watchman
    from orchestrator.supervision.job import Job
    from orchestrator.supervision.process import supervise

    async def main(cookie, folder):
        orphans.adopt_orphans(cookie)
        watchman = orphans.Watchman(cookie)
        Path(folder, "watchman").write_text(str(watchman.pid))
        line = (
            "trap '' TERM; echo $$; setsid sleep 600 & echo $!; (env -i sleep 600 & echo $!); "
            "(setsid sh -c 'echo $$; sleep 600; :' &); echo end; wait; sleep 600"
        )
        def tell(line):
            with Path(folder, "pids").open("a") as file:
                file.write(line + "\\n")
        await supervise(Job(("sh", "-c", line), Path(folder), dict(os.environ), "job"), tell)

    anyio.run(main, *sys.argv[1:])
""")


@pytest.fixture
def engine(tmp_path: Path) -> subprocess.Popen[bytes]:
    """An engine with one job that detaches in every way; its pids are in a file."""
    cookie = f"repo-{os.getpid()}-{tmp_path.name}"
    root = Path(orphans.__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", ENGINE, cookie, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def pids(tmp_path: Path) -> list[int]:
    path = tmp_path / "pids"
    words = path.read_text().split() if path.exists() else []
    return [int(word) for word in words if word.isdigit()] if len(words) == 5 else []


@linux
def test_kill_9_of_the_engine_leaves_nothing(
    engine: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    until_blocking(lambda: len(pids(tmp_path)) == 4)
    keeper = int((tmp_path / "watchman").read_text())
    engine.kill()
    engine.wait()
    until_blocking(lambda: all(is_gone(pid) for pid in pids(tmp_path)))
    until_blocking(lambda: is_gone(keeper))


@linux
def test_a_sweep_finds_what_a_crashed_engine_left(
    engine: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """Engine and watchman both killed at once: the next engine clears up by its cookie."""
    until_blocking(lambda: len(pids(tmp_path)) == 4)
    os.kill(int((tmp_path / "watchman").read_text()), signal.SIGKILL)
    engine.kill()
    engine.wait()
    assert not is_gone(pids(tmp_path)[0])
    assert orphans.sweep(f"repo-{os.getpid()}-{tmp_path.name}") >= 4
    assert all(is_gone(pid) for pid in pids(tmp_path))


@linux
def test_only_the_marked_are_killed() -> None:
    cookies = ("mine-1:a", "mine-2:b", "")
    processes = [
        subprocess.Popen(["sleep", "600"], env={"CLERK_COOKIE": cookie}, start_new_session=True)
        for cookie in cookies
    ]
    try:
        until_blocking(lambda: read_cookie(processes[0].pid) == "mine-1:a")
        assert kill_marked("mine-1:") == 1
        assert processes[0].wait(10) == -signal.SIGKILL
        assert [process.poll() for process in processes[1:]] == [None, None]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@linux
@pytest.mark.parametrize(("patience", "code"), [(500, 0), (0, -signal.SIGKILL)])
def test_a_short_command_of_a_dead_engine_may_end_by_itself(
    patience: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that is killed leaves its lock behind; a job is killed at once, and it at last."""
    monkeypatch.setattr(watchman, "_PATIENT_ROUNDS", patience)
    job, short = (
        subprocess.Popen(
            ["cat"],
            env={"CLERK_COOKIE": f"short-1:{name}"},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for name in ("p.a.1", watchman.SHORT_COMMAND)
    )
    until_blocking(lambda: all(read_cookie(one.pid) for one in (job, short)))
    with ThreadPoolExecutor() as pool:
        clearing = pool.submit(kill_marked, "short-1:")
        assert job.wait(10) == -signal.SIGKILL
        if patience:
            assert short.poll() is None
            short.communicate()
        assert short.wait(10) == code
        assert clearing.result() == (1 if patience else 2)
    job.communicate()
    short.communicate()


@linux
def test_a_dismissed_watchman_clears_up_and_goes() -> None:
    keeper = orphans.Watchman("dismissed")
    process = subprocess.Popen(
        ["sleep", "600"], env={"CLERK_COOKIE": "dismissed:x"}, start_new_session=True
    )
    until_blocking(lambda: read_cookie(process.pid) == "dismissed:x")
    keeper.dismiss()
    assert process.wait(10) == -signal.SIGKILL
    assert is_gone(keeper.pid)


@pytest.mark.usefixtures("adopting")
@pytest.mark.anyio
async def test_children_that_others_started_are_left_alone() -> None:
    """GitPython keeps a git of its own running: in our session, so it is no stray."""
    process = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - that is the case
    try:
        await orphans.clear()
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()

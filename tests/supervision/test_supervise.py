"""The supervisor against children that end well, badly, late or never."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from waiting import is_gone, patience, until, until_blocking

from orchestrator.supervision.job import Ending, Exit, Job
from orchestrator.supervision.process import OnLine, supervise
from orchestrator.supervision.pulse import Pulse

pytestmark = pytest.mark.anyio


def shell(line: str, tmp_path: Path, env: dict[str, str], **more: object) -> Job:
    return Job(("sh", "-c", line), tmp_path, env, "test", **more)  # type: ignore[arg-type]


async def test_a_job_is_told_by_code_lines_and_log(tmp_path: Path, env: dict[str, str]) -> None:
    lines: list[str] = []
    log = tmp_path / "deep" / "log"
    job = shell("echo one; echo err >&2; printf two; exit 3", tmp_path, env, log=log)
    ended = await supervise(job, lines.append)
    assert (ended.code, ended.signal, ended.ending, ended.ok) == (3, None, Ending.EXITED, False)
    assert lines == ["one", "two"]
    assert all(word in log.read_text() for word in ("one\n", "err\n", "two"))
    assert log.stat().st_mode & 0o777 == 0o600


async def test_the_environment_is_the_jobs_own_and_its_cookie(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAK", "1")
    lines: list[str] = []
    await supervise(shell("env", tmp_path, {**env, "OWN": "2"}), lines.append)
    names = {line.partition("=")[0] for line in lines}
    assert "OWN" in names
    assert "LEAK" not in names
    assert any(line.startswith("CLERK_COOKIE=") and line.endswith(":test") for line in lines)


async def test_standard_input_is_the_file_or_empty(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "in").write_text("from file\n")
    lines: list[str] = []
    await supervise(shell("cat", tmp_path, env, stdin=tmp_path / "in"), lines.append)
    await supervise(shell("cat; echo end", tmp_path, env), lines.append)
    assert lines == ["from file", "end"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: ("no-such-command",), "was not found; install it"),
        (lambda folder: (str(folder / "plain"),), "make it executable"),
        (lambda folder: (str(folder / "odd"),), "interpreter named in the first line"),
        (lambda _: ("sh", "a\0b"), "could not be started"),
    ],
)
async def test_a_command_that_cannot_start_says_why(
    tmp_path: Path, env: dict[str, str], make: object, words: str
) -> None:
    (tmp_path / "plain").write_text("echo")
    (tmp_path / "odd").write_text("#!/no/such/interpreter\n")
    (tmp_path / "odd").chmod(0o755)
    argv = make(tmp_path)  # type: ignore[operator]
    ended = await supervise(Job(argv, tmp_path, env, "test"))
    assert not ended.started
    assert words in ended.error
    assert ended.code is None


async def test_a_missing_folder_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    ended = await supervise(Job(("true",), tmp_path / "gone", env, "test"))
    assert "gone does not exist" in ended.error


async def test_the_wall_limit_ends_a_job_that_talks(tmp_path: Path, env: dict[str, str]) -> None:
    job = shell("while :; do echo; sleep 0.05; done", tmp_path, env, wall_seconds=0.3)
    assert (await supervise(job)).ending is Ending.WALL


async def test_silence_is_not_counted_while_something_is_done_for_a_job(
    tmp_path: Path, env: dict[str, str]
) -> None:
    pulse, held = Pulse(), anyio.Event()

    async def hold() -> None:
        with pulse.held():
            held.set()
            await until((tmp_path / "awake").exists)

    line = "sleep 0.6; : > awake; sleep 60"
    job = shell(line, tmp_path, env, idle_seconds=0.2, pulse=pulse)
    async with anyio.create_task_group() as group:
        group.start_soon(hold)
        await held.wait()
        ended = await supervise(job)
    assert ended.ending is Ending.IDLE, "it counts again afterwards"
    assert (tmp_path / "awake").exists()


async def test_the_idle_limit_spares_a_job_that_talks(tmp_path: Path, env: dict[str, str]) -> None:
    talking = "for i in $(seq 30); do echo >&2; sleep 0.05; done"
    assert (await supervise(shell(talking, tmp_path, env, idle_seconds=1.0))).ok
    silent = await supervise(shell("echo; sleep 60", tmp_path, env, idle_seconds=0.2))
    assert (silent.ending, silent.signal) == (Ending.IDLE, signal.SIGTERM)


@pytest.mark.parametrize("limit", ["wall", "idle"])
async def test_an_end_that_an_engine_at_a_standstill_saw_late_is_an_end(
    tmp_path: Path, env: dict[str, str], limit: str
) -> None:
    """Stopped by Ctrl-Z, or starved: every limit has passed by the time it looks again."""
    lines: list[str] = []
    job = shell(f"echo $$; {waits('go')}; exit 3", tmp_path, env, **{f"{limit}_seconds": 1.0})
    ended = await at_a_standstill(job, lines.append, lambda: is_gone(int(lines[0])))
    assert (ended.ending, ended.code) == (Ending.EXITED, 3)


async def test_what_was_said_to_an_engine_at_a_standstill_is_no_silence(
    tmp_path: Path, env: dict[str, str]
) -> None:
    def tell(line: str) -> None:
        if line == "more":
            (tmp_path / "end").touch()

    line = f"echo up; {waits('go')}; echo more; : > said; {waits('end')}; exit 3"
    job = shell(line, tmp_path, env, idle_seconds=1.0)
    ended = await at_a_standstill(job, tell, (tmp_path / "said").exists)
    assert (ended.ending, ended.code) == (Ending.EXITED, 3)


def waits(gate: str) -> str:
    return f"until [ -e {gate} ]; do sleep 0.01; done"


async def at_a_standstill(job: Job, tell: OnLine, condition: Callable[[], bool]) -> Exit:
    """The end of a job, where from its first line on nothing else runs here for over a second."""
    spoke = anyio.Event()

    def heard(line: str) -> None:
        tell(line)
        spoke.set()

    async def stand_still() -> None:
        await spoke.wait()
        (job.cwd / "go").touch()
        until_blocking(condition)
        time.sleep(1.1)  # noqa: ASYNC251 - the standstill itself

    async with anyio.create_task_group() as group:
        group.start_soon(stand_still)
        return await supervise(job, heard)


async def test_a_job_that_ignores_term_is_killed_with_its_children(
    tmp_path: Path, env: dict[str, str]
) -> None:
    lines: list[str] = []
    line = "trap '' TERM; sleep 60 & echo $!; while :; do wait; done"
    ended = await ended_in_silence(line, tmp_path, env, lines, grace_seconds=0.2)
    assert ended.signal == signal.SIGKILL
    await until(lambda: is_gone(int(lines[0])))


async def test_a_stopped_job_still_hears_term(tmp_path: Path, env: dict[str, str]) -> None:
    line = "trap 'echo heard; exit 7' TERM; echo up; kill -STOP $$; sleep 60 & wait"
    lines: list[str] = []
    ended = await ended_in_silence(line, tmp_path, env, lines)
    assert (ended.code, lines) == (7, ["up", "heard"])


async def ended_in_silence(
    line: str, tmp_path: Path, env: dict[str, str], lines: list[str], **more: object
) -> Exit:
    """The end of a job that is stopped for its silence, once it has said something."""
    pulse = Pulse()
    job = shell(line, tmp_path, env, idle_seconds=0.2, pulse=pulse, **more)
    async with anyio.create_task_group() as group:
        group.start_soon(patience, pulse, lambda: bool(lines))
        return await supervise(job, lines.append)


async def test_a_child_that_keeps_the_pipe_neither_hangs_nor_survives(
    tmp_path: Path, env: dict[str, str]
) -> None:
    lines: list[str] = []
    with anyio.fail_after(20):
        ended = await supervise(shell("sleep 600 & echo $!", tmp_path, env), lines.append)
    assert ended.ok
    await until(lambda: is_gone(int(lines[0])))


@pytest.mark.usefixtures("adopting")
async def test_a_daemon_of_its_own_session_dies_with_its_job(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """Detached, its environment wiped, double-forked: it has nothing left but its ancestry."""
    line = "(setsid env -i sleep 600 >/dev/null 2>&1 & echo $!) ; sleep 0.2"
    lines: list[str] = []
    await supervise(shell(line, tmp_path, env), lines.append)
    assert is_gone(int(lines[0]))


@pytest.mark.usefixtures("adopting")
async def test_one_jobs_end_spares_the_daemons_of_another(
    tmp_path: Path, env: dict[str, str]
) -> None:
    lines: list[str] = []
    daemon = "(setsid sleep 600 >/dev/null 2>&1 & echo $!); sleep 600"
    scope = anyio.CancelScope()

    async def living() -> None:
        with scope:
            await supervise(Job(("sh", "-c", daemon), tmp_path, env, "living"), lines.append)

    async with anyio.create_task_group() as jobs:
        jobs.start_soon(living)
        await until(lambda: bool(lines))
        pid = int(lines[0])
        await supervise(shell("(setsid sleep 600 >/dev/null 2>&1 &)", tmp_path, env))
        assert not is_gone(pid)
        scope.cancel()
    assert is_gone(pid)


async def test_cancelling_stops_the_whole_job_first(tmp_path: Path, env: dict[str, str]) -> None:
    lines: list[str] = []
    ends: list[Exit] = []

    async def running() -> None:
        line = "trap 'echo bye; exit 0' TERM; sleep 60 & echo $!; wait"
        ends.append(await supervise(shell(line, tmp_path, env), lines.append))

    async with anyio.create_task_group() as jobs:
        jobs.start_soon(running)
        await until(lambda: bool(lines))
        jobs.cancel_scope.cancel()
    assert lines[1:] == ["bye"], "what it says while being stopped is read"
    assert ends == [], "the cancellation goes on"
    await until(lambda: is_gone(int(lines[0])))


async def test_a_log_keeps_beginning_and_end_of_a_flood(
    tmp_path: Path, env: dict[str, str]
) -> None:
    log = tmp_path / "log"
    line = "echo first; yes | head -c 3000000; echo last"
    ended = await supervise(shell(line, tmp_path, env, log=log, log_bytes=300_000))
    text = log.read_text()
    assert ended.truncated
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert text.count("bytes left out") == 1
    assert len(text) <= 300_000


async def test_an_endless_line_is_cut_not_kept(tmp_path: Path, env: dict[str, str]) -> None:
    lines: list[str] = []
    line = "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo after"
    await supervise(shell(line, tmp_path, env), lines.append)
    assert [len(line) for line in lines] == [1024 * 1024, 5]


async def test_all_output_is_read_even_when_it_ends_at_once(
    tmp_path: Path, env: dict[str, str]
) -> None:
    for size in (1, 65_536, 65_537, 1_000_000):
        total = 0

        def count(line: str) -> None:
            nonlocal total
            total += len(line) + 1

        code = (
            f"import os\ndata = b'y\\n' * {size // 2}\nwhile data: data = data[os.write(1, data):]"
        )
        await supervise(Job((sys.executable, "-c", code), tmp_path, env, "test"), count)
        assert total == size // 2 * 2


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
async def test_no_descriptor_is_left_open(tmp_path: Path, env: dict[str, str]) -> None:
    before = open_descriptors()
    for _ in range(5):
        await supervise(shell("echo", tmp_path, env, log=tmp_path / "log"))
        await supervise(Job(("no-such-command",), tmp_path, env, "test", log=tmp_path / "log"))
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))

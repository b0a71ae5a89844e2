"""Short commands: what git is run by, thousands of times."""

from pathlib import Path

import anyio
import pytest
from waiting import is_gone, until

from orchestrator.errors import CannotRun
from orchestrator.supervision.process import run

pytestmark = pytest.mark.anyio


async def test_outputs_code_and_input_pass_through(tmp_path: Path, env: dict[str, str]) -> None:
    done = await run(("sh", "-c", "cat; echo bad >&2; exit 4"), cwd=tmp_path, env=env, input=b"in")
    assert (done.code, done.stdout, done.stderr) == (4, b"in", b"bad\n")


async def test_large_input_and_output_do_not_block(tmp_path: Path, env: dict[str, str]) -> None:
    data = bytes(range(256)) * 20_000
    assert (await run(("cat",), cwd=tmp_path, env=env, input=data)).stdout == data


async def test_a_signal_is_a_negative_code(tmp_path: Path, env: dict[str, str]) -> None:
    assert (await run(("sh", "-c", "kill -9 $$"), cwd=tmp_path, env=env)).code == -9


async def test_a_missing_command_cannot_run(tmp_path: Path, env: dict[str, str]) -> None:
    with pytest.raises(CannotRun, match="'no-such-git' was not found"):
        await run(("no-such-git",), cwd=tmp_path, env=env)


async def test_a_slow_command_is_killed(tmp_path: Path, env: dict[str, str]) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(TimeoutError, match="took longer than"):
        await run(
            ("sh", "-c", f"sleep 600 & echo $! > '{pid}'; wait"),
            cwd=tmp_path,
            env=env,
            timeout_seconds=0.5,
        )
    await until(lambda: is_gone(int(pid.read_text())))


async def test_nothing_stays_behind(tmp_path: Path, env: dict[str, str]) -> None:
    """A child that would hold a pipe for ever neither delays the result nor survives it."""
    with anyio.fail_after(20):
        done = await run(("sh", "-c", "sleep 600 & echo $!"), cwd=tmp_path, env=env)
    await until(lambda: is_gone(int(done.stdout)))


async def test_cancelling_kills_the_command(tmp_path: Path, env: dict[str, str]) -> None:
    pid = tmp_path / "pid"
    async with anyio.create_task_group() as tasks:

        async def running() -> None:
            await run(("sh", "-c", f"echo $$ > '{pid}'; exec sleep 600"), cwd=tmp_path, env=env)

        tasks.start_soon(running)
        await until(lambda: pid.exists() and pid.read_text().endswith("\n"))
        tasks.cancel_scope.cancel()
    assert is_gone(int(pid.read_text()))

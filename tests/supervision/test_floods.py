"""Nothing a job prints can hang the supervisor, grow it, or fill the disk with its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import anyio
import pytest

import orchestrator
from orchestrator.supervision.job import Exit, Job
from orchestrator.supervision.process import supervise

SUPERVISOR = textwrap.dedent("""
    import json, resource, sys
    from pathlib import Path
    import anyio
    from orchestrator.supervision.job import Job
    from orchestrator.supervision.process import supervise

    async def main(folder, line):
        told = []
        env = {"PATH": "/usr/bin:/bin"}
        await supervise(Job(("true",), Path(folder), env, "first"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        job = Job(("sh", "-c", line), Path(folder), env, "flood",
                  log=Path(folder, "log"), log_bytes=1_000_000)
        ended = await supervise(job, lambda line: told.append(len(line)))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"grown": (after - before) * 1024, "code": ended.code,
                          "truncated": ended.truncated, "longest": max(told, default=0),
                          "lines": len(told)}))

    anyio.run(main, *sys.argv[1:])
""")
MEBIBYTE = 1 << 20


def flooded(tmp_path: Path, line: str) -> dict[str, int]:
    """What a supervisor in a process of its own tells of a flood: by how much it grew, too."""
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path), line],
        env={**os.environ, "PYTHONPATH": str(Path(orchestrator.__file__).parents[1])},
        capture_output=True,
        check=True,
    )
    told: dict[str, int] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("head -c 200000000 /dev/zero | tr '\\0' x", 1),
        ("head -c 100000000 /dev/zero >&2; head -c 100000000 /dev/zero", 1),
        ("(head -c 60000000 /dev/urandom >&2) & head -c 1000000 /dev/urandom; wait", None),
        pytest.param("head -c 5000000000 /dev/zero", 1, marks=pytest.mark.slow),
    ],
    ids=["an endless line", "both streams", "binary", "five gigabytes"],
)
def test_a_flood_neither_grows_the_supervisor_nor_the_log(
    tmp_path: Path, line: str, lines: int | None
) -> None:
    told = flooded(tmp_path, line)
    assert told["code"] == 0
    assert told["truncated"]
    assert told["longest"] <= MEBIBYTE
    assert lines is None or told["lines"] == lines
    assert told["grown"] < 24 * MEBIBYTE
    log = (tmp_path / "log").read_bytes()
    assert len(log) <= 1_000_000
    assert log.count(b"bytes left out here") == 1


@pytest.mark.anyio
async def test_an_input_that_is_never_read_holds_nobody_up(
    tmp_path: Path, env: dict[str, str]
) -> None:
    (tmp_path / "in").write_bytes(b"x" * 10_000_000)
    job = Job(("sh", "-c", "echo up"), tmp_path, env, "test", stdin=tmp_path / "in")
    lines: list[str] = []
    assert (await supervise(job, lines.append)).ok
    assert lines == ["up"]


@pytest.mark.usefixtures("adopting")
@pytest.mark.anyio
async def test_who_goes_on_writing_after_its_jobs_end_is_cut_off(
    tmp_path: Path, env: dict[str, str]
) -> None:
    line = "(setsid sh -c 'while echo more; do :; done' &); echo last"
    job = Job(("sh", "-c", line), tmp_path, env, "test", log=tmp_path / "log", log_bytes=200_000)
    with anyio.fail_after(30):
        assert (await supervise(job)).code == 0
    assert (tmp_path / "log").stat().st_size <= 200_000


@pytest.mark.anyio
async def test_a_log_that_cannot_be_written_is_said_and_ends_nobody(
    env: dict[str, str], tmp_path: Path
) -> None:
    """/dev/full is a disk that is always full."""
    (tmp_path / "log").symlink_to("/dev/full")
    job = Job(("sh", "-c", "seq 100000; exit 3"), tmp_path, env, "test", log=tmp_path / "log")
    ended = await supervise(job)
    assert (ended.code, ended.truncated) == (3, True)


def test_thirty_two_at_once_where_few_descriptors_are_free_end_or_say_why() -> None:
    script = textwrap.dedent("""
        import collections, resource, sys
        from pathlib import Path
        import anyio
        from orchestrator.supervision.job import Job
        from orchestrator.supervision.process import supervise

        async def main():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            ends = []
            async def one(n):
                job = Job(("sleep", "0.5"), Path("/"), {"PATH": "/usr/bin:/bin"}, f"j{n}")
                ends.append(await supervise(job))
            async with anyio.create_task_group() as jobs:
                for n in range(32):
                    jobs.start_soon(one, n)
            assert (await supervise(Job(("true",), Path("/"), {"PATH": "/usr/bin:/bin"}, "z"))).ok
            for told in collections.Counter(end.error for end in ends).items():
                print(*told, sep="|")

        anyio.run(main)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(orchestrator.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.rsplit("|", 1) for line in done.stdout.splitlines())
    assert sum(map(int, told.values())) == 32
    assert int(told.pop("")) > 4
    assert all("open files" in error for error in told), told


@pytest.mark.anyio
async def test_a_child_of_a_worker_thread_is_refused(tmp_path: Path, env: dict[str, str]) -> None:
    """Its guard would die with the thread, and with the guard the whole session."""

    def elsewhere() -> Exit:
        return anyio.run(supervise, Job(("true",), tmp_path, env, "test"))

    with pytest.raises(RuntimeError, match="main thread"):
        await anyio.to_thread.run_sync(elsewhere)

"""What a job finds in bubblewrap, what it leaves, and what becomes of it when its engine is killed."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from waiting import until_blocking

from orchestrator.sandboxes.bubblewrap import HOME, Bubblewrap, user_of
from orchestrator.sandboxes.enclosure import Cover, Enclosure
from orchestrator.sandboxes.system_view import fact_paths
from orchestrator.supervision.job import Exit, Handed, Job
from orchestrator.supervision.process import supervise

pytestmark = pytest.mark.anyio

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass
class Ground:
    """A folder of a job's, a home, and something beside it."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def inside(self) -> Path:
        return self.folder / "inside"

    @property
    def enclosure(self) -> Enclosure:
        return Enclosure("p/t", home=self.folder / "home", writable=(self.inside,))

    async def wrap(self, line: str, enclosure: Enclosure | None = None, **env: str) -> Job:
        enclosure = enclosure or self.enclosure
        await Bubblewrap().make_over(enclosure)
        env = {"PATH": PATH, **env}
        log = self.folder / "log"
        job = Job(("sh", "-c", line), self.inside, env, "test", log=log, wall_seconds=60)
        return Bubblewrap().wrap(job, enclosure)

    async def run(self, line: str, enclosure: Enclosure | None = None, **env: str) -> Exit:
        ended = await supervise(await self.wrap(line, enclosure, **env))
        self.said[:] = (self.folder / "log").read_text().splitlines()
        return ended


@pytest.fixture
def ground(tmp_path: Path, bwrap: str) -> Ground:
    made = Ground(tmp_path / "ä place")
    for folder in (made.inside, made.folder / "home", made.folder / "beside"):
        folder.mkdir(parents=True)
    return made


async def test_a_job_is_nobody_and_everything_of_its_own_is_its_own(ground: Ground) -> None:
    line = 'id -un; id -u; echo "$HOME"; hostname; test -w . && test -w ~ && test -w "$TMPDIR"'
    assert (await ground.run(line)).code == 0
    user = user_of("p/t") if os.geteuid() == 0 else os.geteuid()
    assert ground.said == ["agent", str(user), str(HOME), "clerk"]


async def test_nothing_of_the_jobs_runs_before_it_is_held(ground: Ground) -> None:
    for name in ("prlimit", "setpriv"):
        planted = ground.inside / name
        planted.write_text("#!/bin/sh\necho planted; id -u; grep CapEff: /proc/self/status\n")
        planted.chmod(0o755)
    assert (await ground.run("id -u", PATH=f".:{PATH}")).code == 0
    user = user_of("p/t") if os.geteuid() == 0 else os.geteuid()
    assert ground.said == [str(user)]


async def test_programs_find_what_they_need_to_work(ground: Ground, system_python: str) -> None:
    code = (
        "import multiprocessing, socket, tempfile\n"
        "queue = multiprocessing.get_context('fork').Queue(); queue.put(7); print(queue.get())\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "tempfile.TemporaryFile().write(b'x')\n"
        "open('/dev/shm/x', 'w').write('x')\n"
    )
    (ground.inside / "works.py").write_text(code)
    assert (await ground.run(f"exec {system_python} -I works.py")).code == 0, ground.said
    assert ground.said == ["7"]


async def test_what_is_not_lent_is_not_there(ground: Ground) -> None:
    (ground.folder / "beside" / "secret").write_text("x")
    assert (await ground.run(f"ls '{ground.folder}'")).code == 0
    assert ground.said == ["inside"]
    lent = replace(ground.enclosure, readable=(ground.folder / "beside",))
    assert (await ground.run(f"cat '{ground.folder}/beside/secret'", lent)).code == 0
    assert (await ground.run(f"echo y >'{ground.folder}/beside/secret'", lent)).code != 0


async def test_facts_of_the_machine_are_told_and_cannot_be_written(ground: Ground) -> None:
    facts = [fact for fact in fact_paths() if fact.is_file()]
    assert facts
    for number, fact in enumerate(facts):
        line = (
            f"cat {fact} >{number} && ! echo x 2>/dev/null >>{fact} && ! rm -f {fact} 2>/dev/null"
        )
        assert (await ground.run(line)).code == 0, fact
        assert (ground.inside / str(number)).read_bytes() == fact.read_bytes()
    line = "for f in passwd group hosts; do echo x >>/etc/$f; chmod a+w /etc/$f; done; mv /etc/hosts /etc/x"
    assert (await ground.run(line)).code != 0
    assert (await ground.run("! grep -qx x /etc/passwd /etc/group /etc/hosts")).code == 0


async def test_a_cover_hides_what_is_there(ground: Ground) -> None:
    place, source = ground.inside / "place", ground.folder / "source"
    for folder, text in ((place, "real"), (source, "shown")):
        folder.mkdir()
        (folder / "file").write_text(text)
    covered = replace(ground.enclosure, covers=(Cover(place, source),), writable=())
    job = await ground.wrap("cat place/file; echo x >place/new", covered)
    job = replace(job, cwd=Path("/"))
    (ground.folder / "log").unlink(missing_ok=True)
    assert (await supervise(job)).code == 0
    assert (ground.folder / "log").read_text() == "shown"
    assert [path.name for path in place.iterdir()] == ["file"]
    assert (source / "new").exists()


@pytest.mark.parametrize("name", ["a b", "ü", "new\nline", "$(x)", "-rf", "quo'te"])
async def test_folders_of_any_name_can_be_a_jobs_own(ground: Ground, name: str) -> None:
    odd = ground.folder / name
    odd.mkdir()
    enclosure = replace(ground.enclosure, writable=(ground.inside, odd))
    assert (await ground.run('echo x >"$ODD/file"', enclosure, ODD=str(odd))).code == 0
    assert (odd / "file").read_text() == "x\n"


async def test_how_a_job_ended_comes_through(ground: Ground) -> None:
    assert (await ground.run("exit 7")).code == 7
    assert (await ground.run("kill -9 $$")).signal == signal.SIGKILL
    assert (await ground.run("exec no-such-program")).code == 127


async def test_a_job_is_asked_before_it_is_killed(ground: Ground) -> None:
    quiet = "exec 2>/dev/null"  # else a shell may tell of its sleep's end
    wait = "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    job = await ground.wrap(f"{quiet}; {wait}")
    with anyio.CancelScope() as scope:
        await supervise(job, lambda _: scope.cancel())
    assert (ground.folder / "log").read_text() == "up\nasked\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes folders over")
async def test_making_over_follows_no_link(ground: Ground) -> None:
    victim = ground.folder / "beside" / "victim"
    victim.write_text("x")
    (ground.inside / "file").symlink_to(victim)
    (ground.inside / "folder").symlink_to(victim.parent)
    await ground.run("true")
    assert (victim.stat().st_uid, victim.parent.stat().st_uid) == (0, 0)
    assert (ground.inside / "file").lstat().st_uid == user_of("p/t")


def without(job: Job, *words: str) -> Job:
    """The job with some of bubblewrap's options dropped, and what goes with them."""
    argv = list(job.argv)
    at = argv.index("--args") + 1
    options = [word for word in argv[at].content.split(b"\0") if word.decode() not in words]
    argv[at] = Handed(b"\0".join(options))
    for word in set(words) & {"--seccomp"}:
        del argv[argv.index(word) : argv.index(word) + 2]
    return replace(job, argv=argv)


@contextmanager
def started(job: Job, *prefix: str, **how: object) -> Iterator[subprocess.Popen[bytes]]:
    """The job as a bare process below ``prefix``, killed at the end."""
    words, numbers = [], []
    for word in job.argv:
        if not isinstance(word, str):
            number = os.memfd_create("handed")
            os.write(number, word.content if isinstance(word, Handed) else b"")
            os.lseek(number, 0, os.SEEK_SET)
            numbers.append(number)
        words.append(word if isinstance(word, str) else str(numbers[-1]))
    process = subprocess.Popen([*prefix, *words], env={"PATH": PATH}, pass_fds=numbers, **how)
    for number in numbers:
        os.close(number)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


LIVES_ON = "echo up >up; until [ -e gate ]; do sleep 0.02; done; echo on >on; exec sleep 600"


async def test_who_kills_the_engine_kills_its_jobs(ground: Ground) -> None:
    with pipe() as (told, tell):
        job = await ground.wrap(LIVES_ON)
        engine = ("sh", "-c", '"$@" & wait', "sh")
        with started(job, *engine, stdout=tell, stderr=tell) as process:
            os.close(tell)
            until_blocking((ground.inside / "up").exists)
            process.kill()
            process.wait()
            (ground.inside / "gate").touch()
            assert select.select([told], [], [], 30)[0], "somebody lives on"
            assert os.read(told, 99) == b""


async def test_without_dying_with_their_parent_they_would_live_on(ground: Ground) -> None:
    job = without(await ground.wrap(LIVES_ON), "--die-with-parent")
    with pipe() as (_, tell):
        engine = ("sh", "-c", '"$@" & echo $! >"$0"; wait', str(ground.folder / "pid"))
        with started(job, *engine, stdout=tell, stderr=tell) as process:
            until_blocking((ground.inside / "up").exists)
            process.kill()
            process.wait()
            (ground.inside / "gate").touch()
            until_blocking((ground.inside / "on").exists)
            guard = int((ground.folder / "pid").read_text())
            inside = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
            for pid in (*map(int, inside), guard):
                os.kill(pid, signal.SIGKILL)
        os.close(tell)


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    try:
        yield read, write
    finally:
        os.close(read)


TYPES = (
    "import fcntl, termios\n"
    "for letter in b'echo PWNED\\n': fcntl.ioctl(0, termios.TIOCSTI, bytes([letter]))\n"
)
NOTHING: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("dropped", "typed"),
    [
        (NOTHING, b""),
        (("--new-session",), b""),
        (("--seccomp",), b""),
        (("--new-session", "--seccomp"), b"echo PWNED\n"),
    ],
    ids=["nothing dropped", "no new session", "no filter", "neither"],
)
async def test_nobody_types_into_the_architects_terminal(
    ground: Ground, system_python: str, dropped: Sequence[str], typed: bytes
) -> None:
    (ground.inside / "types.py").write_text(TYPES)
    job = without(await ground.wrap(f"exec {system_python} -I types.py"), *dropped)
    master, slave = pty.openpty()
    tty.setraw(slave, termios.TCSANOW)
    with started(
        job,
        "setsid",
        "--ctty",
        "--wait",
        "--",
        stdin=slave,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.wait()
    os.set_blocking(slave, False)
    try:
        found = os.read(slave, 99)
    except BlockingIOError:
        found = b""
    finally:
        os.close(master)
        os.close(slave)
    assert found == (typed if may_type() else b"")


def may_type() -> bool:
    """Whether this kernel lets anybody do it at all."""
    setting = Path("/proc/sys/dev/tty/legacy_tiocsti")
    return not setting.exists() or setting.read_text().strip() == "1"

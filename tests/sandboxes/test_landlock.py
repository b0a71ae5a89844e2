"""Jobs under landlock: what they may do works, and what they may not fails where it would not else.

Everything beside a job's folders is open to every user here, so that it is landlock that refuses,
and not the mode of a file. Run by root, each promise is shown with and without a user of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from orchestrator.errors import CannotRun
from orchestrator.sandboxes import landlock_launcher as launcher
from orchestrator.sandboxes import load
from orchestrator.sandboxes.enclosure import Bounds, Cover, Enclosure
from orchestrator.sandboxes.landlock import Landlock
from orchestrator.sandboxes.none import NoSandbox
from orchestrator.sandboxes.reach import reach, whom_it_reached
from orchestrator.supervision.job import Exit, Handed, Job
from orchestrator.supervision.process import supervise

pytestmark = pytest.mark.anyio

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
WITH_SIGNALS = 6


@dataclass
class Ground:
    """A folder of a job's, its home, and things of others beside it."""

    folder: Path
    sandbox: Landlock
    said: list[str] = field(default_factory=list)

    @property
    def inside(self) -> Path:
        return self.folder / "inside"

    @property
    def outside(self) -> Path:
        return self.folder / "outside"

    @property
    def enclosure(self) -> Enclosure:
        return Enclosure(who="test", home=self.folder / "home", writable=(self.inside,))

    async def run(self, line: str, enclosure: Enclosure | None = None, **env: str) -> Exit:
        """Run a shell line confined; what it says is in ``said``."""
        return await self.run_argv(("sh", "-c", line), enclosure, **env)

    async def run_argv(
        self, argv: tuple[str | Handed, ...], enclosure: Enclosure | None = None, **env: str
    ) -> Exit:
        enclosure = enclosure or self.enclosure
        await self.sandbox.make_over(enclosure)
        env = {"PATH": SYSTEM_PATH, **env}
        log = self.folder / "log"
        job = Job(argv, self.inside, env, "test", log=log, wall_seconds=60)
        self.said.clear()
        ended = await supervise(self.sandbox.wrap(job, enclosure))
        self.said += log.read_text().splitlines()
        return ended


@pytest.fixture(autouse=True)
def _kernel_with_landlock() -> None:
    if sys.platform != "linux" or launcher.abi_here() < WITH_SIGNALS:
        pytest.skip("the kernel knows too little of it")


MODES = ["as a user of its own", "as the same user"] if os.geteuid() == 0 else ["as the same user"]


@pytest.fixture(params=MODES)
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """In a place that every user can walk to, which pytest's own are not."""
    sandbox = Landlock()
    sandbox._is_root = request.param == "as a user of its own"
    with tempfile.TemporaryDirectory() as name:
        made = Ground(Path(name).resolve(), sandbox)
        for folder in (made.folder, made.inside, made.outside, made.folder / "home"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        for file in ("victim", "secret"):
            (made.outside / file).write_text(f"{file}\n")
            (made.outside / file).chmod(0o666)
        yield made


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


async def test_the_attack_finds_nothing_here_and_plenty_without() -> None:
    assert await load("landlock").probe() == ""
    without = await whom_it_reached(NoSandbox())
    assert len([line for line in without if line.startswith("reached ")]) == 8
    assert "others on this machine were reached by TCP, by the first" in await reach(NoSandbox())


async def test_without_the_filter_the_attack_gets_past_the_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow = b"\x06\0\0\0\0\0\xff\x7f"
    monkeypatch.setattr("orchestrator.sandboxes.landlock.filter_program", lambda **_: allow)
    assert "by UDP, at a named socket" in await reach(Landlock())


async def test_a_job_works_in_its_folder_and_home(ground: Ground) -> None:
    line = (
        "echo a >a && mkdir d && mv a d/b && ln d/b c && ln -s c l && chmod +x c && rm d/b"
        ' && echo h >"$HOME/h" && test "$(dirname "$(mktemp)")" = "$TMPDIR" && cat l >/dev/null'
    )
    ended = await ground.run(line)
    assert (ended.code, ground.said) == (0, [])
    assert (ground.folder / "home" / "h").read_text() == "h\n"


WAYS_OUT = {
    "write": "echo x >$OUT/victim",
    "append": "echo x >>$OUT/victim",
    "create": "echo x >$OUT/new",
    "truncate": "truncate -s 0 $OUT/victim",
    "delete": "rm -f $OUT/victim",
    "make a folder": "mkdir $OUT/new",
    "rename out": "touch t && mv -T t $OUT/victim",
    "rename in": "mv $OUT/victim .",
    "link in": "ln $OUT/victim . && echo x >victim",
    "link out": "touch t && ln t $OUT/new",
    "follow a link": "ln -s $OUT/victim l && echo x >l",
    "by another process's root": "echo x >/proc/$PPID/root$OUT/victim",
}


@pytest.mark.parametrize("way", WAYS_OUT)
async def test_nothing_outside_is_written(ground: Ground, way: str) -> None:
    before = contents(ground.outside)
    ended = await ground.run(WAYS_OUT[way], OUT=str(ground.outside))
    assert ended.code not in (0, 125, 127), ground.said
    assert contents(ground.outside) == before


async def test_no_file_outside_is_cut_by_its_name(ground: Ground, system_python: str) -> None:
    victim = ground.outside / "victim"
    cut = f"import os; os.truncate({str(victim)!r}, 0)"
    assert (await ground.run_argv((system_python, "-I", "-c", cut))).code == 1
    assert victim.read_text() == "victim\n"


async def test_only_what_was_lent_is_read(ground: Ground) -> None:
    secret = ground.outside / "secret"
    assert (await ground.run(f"cat {secret}")).code != 0
    assert (await ground.run(f"ls {ground.outside}")).code != 0
    lent = replace(ground.enclosure, readable=(ground.outside,))
    assert (await ground.run(f"cat {secret}", lent)).code == 0
    assert ground.said == ["secret"]
    assert (await ground.run(f"echo x >>{secret}", lent)).code != 0


async def test_what_was_borrowed_from_at_its_own_place_is_read(ground: Ground) -> None:
    objects = ground.sandbox.objects_at(ground.outside)
    lent = replace(ground.enclosure, covers=(Cover(objects, ground.outside, writable=False),))
    assert (await ground.run(f"cat {objects}/secret", lent)).code == 0
    assert (await ground.run(f"echo x >{objects}/secret", lent)).code != 0


async def test_no_folder_can_be_shown_as_another(ground: Ground) -> None:
    shown = replace(ground.enclosure, covers=(Cover(ground.outside, ground.inside),))
    with pytest.raises(CannotRun, match="only bubblewrap can"):
        await ground.run("true", shown)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the user's that is no business of the job's."""
    with subprocess.Popen(["sleep", "600"], env={"SECRET": "1"}, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def test_no_signal_leaves_the_job(ground: Ground, other: subprocess.Popen[bytes]) -> None:
    assert (await ground.run(f"kill -9 {other.pid}")).code != 0
    assert other.poll() is None
    assert (await ground.run("sleep 600 & kill -9 $!")).code == 0


@pytest.mark.parametrize("file", ["environ", "mem", "root/etc/passwd", "fd/0"])
async def test_another_process_shows_nothing_but_its_name(
    ground: Ground, other: subprocess.Popen[bytes], file: str
) -> None:
    ended = await ground.run(f"head -c 1 /proc/{other.pid}/{file}")
    assert ended.code == 1
    assert "Permission denied" in ground.said[0]


async def test_the_limits_hold(ground: Ground) -> None:
    bounds = Bounds(processes=20, open_files=64, file_bytes=1 << 20)
    bound = replace(ground.enclosure, bounds=bounds)
    await ground.run("ulimit -n; ulimit -Hc", bound)
    assert ground.said == ["64", "0"]
    large = await ground.run("exec head -c 2000000 /dev/zero >large", bound)
    assert large.signal == signal.SIGXFSZ
    assert (ground.inside / "large").stat().st_size == bounds.file_bytes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a job a user of its own")
async def test_children_are_counted_for_the_jobs_own_user_alone(ground: Ground) -> None:
    bound = replace(ground.enclosure, bounds=Bounds(processes=20))
    await ground.run("i=0; while [ $i -lt 30 ]; do sleep 60 & i=$((i+1)); done; echo all", bound)
    assert ("all" in ground.said) == (not ground.sandbox._is_root)  # root itself has no limit


async def test_the_command_starts_as_if_nothing_had_been_before(
    ground: Ground, system_python: str
) -> None:
    script = (
        "import os;"
        "print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1]);"
        "print(sorted(os.environ.keys() - {'LC_CTYPE'}))"
    )
    await ground.run_argv((system_python, "-I", "-c", script), OWN="1")
    own = ["CLERK_COOKIE", "GIT_CONFIG_NOSYSTEM", "HOME", "OWN", "PATH", "TMPDIR"]
    assert ground.said == ["[0, 1, 2]", str(own)]


async def test_a_closed_pipe_ends_a_writer(ground: Ground) -> None:
    ended = await ground.run("yes | head -n 1; (yes; echo $? >code) | head -n 1; cat code")
    assert ended.ok
    assert ground.said == ["y", "y", str(128 + signal.SIGPIPE)]


async def test_what_was_handed_to_the_job_comes_through(ground: Ground) -> None:
    argv = ("sh", "-c", 'cat "/proc/self/fd/$1"', "sh", Handed(b"handed\n"))
    await ground.run_argv(argv)
    assert ground.said == ["handed"]


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [("no-such", 127, "no-such: not found"), ("./plain", 126, "./plain: Permission denied")],
)
async def test_what_cannot_be_started_is_told(
    ground: Ground, command: str, code: int, words: str
) -> None:
    (ground.inside / "plain").write_text("x")
    ended = await ground.run_argv((command,))
    assert (ended.code, ground.said) == (code, [f"clerk: {words}"])


async def test_variables_are_never_the_launchers_own(ground: Ground) -> None:
    job = Job(("true",), ground.inside, {"LD_PRELOAD": "evil.so"}, "test")
    wrapped = ground.sandbox.wrap(job, ground.enclosure)
    assert wrapped.env == {}
    assert not any("evil" in word for word in wrapped.argv if isinstance(word, str))


CONNECT = 'exec 3<>"/dev/tcp/127.0.0.1/$PORT"'


async def test_of_the_network_only_the_proxy_is_reached(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.create_server(("", 0)) as other:
        port, wrong = (str(listener.getsockname()[1]) for listener in (proxy, other))
        env = {"HTTP_PROXY": f"http://127.0.0.1:{port}"}
        open_ = replace(ground.enclosure, egress=ground.folder / "egress.sock")
        argv = ("bash", "-c", CONNECT)
        assert (await ground.run_argv(argv, open_, PORT=port, **env)).code == 0
        assert (await ground.run_argv(argv, open_, PORT=wrong, **env)).code != 0
        assert (await ground.run_argv(argv, PORT=port, **env)).code != 0


async def test_git_works_on_a_repository_that_borrows_its_objects(ground: Ground) -> None:
    def git(*args: str) -> None:
        subprocess.run(["git", *args], cwd=ground.folder, check=True, capture_output=True)

    who = "-c user.name=a -c user.email=a@example.org -c safe.directory=*"
    git("init", "-q", "real")
    git("-C", "real", *who.split(), "commit", "-qm", "first", "--allow-empty")
    git("clone", "-q", "--shared", "real", "inside/clone")
    lent = replace(ground.enclosure, readable=(ground.folder / "real/.git/objects",))
    line = f"cd clone && git {who} log --oneline && git {who} commit -qm x --allow-empty && git {who} gc -q"
    ended = await ground.run(line, lent)
    assert ended.code == 0, ground.said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a job a user of its own")
async def test_a_folder_that_others_cannot_reach_is_refused_with_the_mend(ground: Ground) -> None:
    ground.folder.chmod(0o700)
    if ground.sandbox._is_root:
        with pytest.raises(CannotRun, match=f"chmod o\\+x {ground.folder}"):
            await ground.run("true")
    else:
        assert (await ground.run("true")).ok


@pytest.mark.parametrize("abi", [-1, 0, 3])
def test_a_kernel_that_knows_too_little_is_refused(
    abi: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "abi_here", lambda: abi)
    with pytest.raises(OSError, match=f"knows version {abi} of it, 4 is needed"):
        launcher.rules({})


@pytest.mark.parametrize(
    ("abi", "paths", "scoped"), [(4, 0x7FFF, 0), (5, 0xFFFF, 0), (6, 0xFFFF, 3), (9, 0xFFFF, 3)]
)
def test_everything_the_kernel_knows_and_we_do_is_held(
    abi: int, paths: int, scoped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(launcher, "abi_here", lambda: abi)
    monkeypatch.setattr(launcher, "called", lambda *args: len(asked.append(args[2]) or asked))
    wanted = ("readable", "usable", "writable", "ports", "own_ports")
    launcher.rules({name: [] for name in wanted})
    assert struct.unpack("=QQQ", asked[0]) == (paths, 3, scoped)

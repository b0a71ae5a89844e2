"""A throw-away repository, home and neighbourhood for the battery, and a fingerprint of it all.

Whatever is told to be harmed is in one folder, and beside it only processes and listeners made
for the purpose. ``Pen`` is where the battery bites without a sandbox: the machine may be read
there, and nothing of it written but that folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.borders.enclosures import Enclosed, Enclosures, enclosures_of
from orchestrator.git.command import WorkTree
from orchestrator.git.opening import OpenRepository
from orchestrator.git.repository import Repository
from orchestrator.sandboxes import Sandbox

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
SECRET = "c0nfidential"
CGROUPS = ("/sys/fs/cgroup/pids/cgroup.procs", "/sys/fs/cgroup/cgroup.procs")


@dataclass
class Others:
    """A process that is nobody's business, and listeners who count who comes."""

    mark: str
    folder: Path
    reached: dict[str, int] = field(default_factory=dict)
    victim: subprocess.Popen[bytes] | None = None
    listeners: dict[str, socket.socket] = field(default_factory=dict)
    shared_memory: str = ""

    def revive(self) -> subprocess.Popen[bytes]:
        """The victim, started again where it was harmed."""
        if self.victim is None or self.state() != (True, 0, "S"):
            self.bury()
            argv = ["sleep", f"600.{self.mark}"]
            env = {"PATH": PATH, "SECRET": SECRET}
            self.victim = subprocess.Popen(argv, env=env, start_new_session=True)
            self.settle()
        if not self._has_memory():
            made = subprocess.run(["ipcmk", "-M", "64"], capture_output=True, text=True, check=True)
            self.shared_memory = made.stdout.split()[-1]
        return self.victim

    def settle(self) -> None:
        """Until it sleeps, which it does for the rest of its life."""
        while self.state()[2] == "R" or b"sleep" not in self._cmdline():
            pass

    def _cmdline(self) -> bytes:
        return Path(f"/proc/{self.victim.pid}/cmdline").read_bytes()

    def state(self) -> tuple[bool, int, str]:
        """Whether the victim lives, how nice it is and what it does."""
        if self.victim is None or self.victim.poll() is not None:
            return False, 0, "Z"
        fields = Path(f"/proc/{self.victim.pid}/stat").read_text().rpartition(")")[2].split()
        return True, int(fields[16]), fields[0]

    def limits(self) -> str:
        lines = Path(f"/proc/{self.victim.pid}/limits").read_text().splitlines()
        return next(line for line in lines if "open files" in line)

    def _has_memory(self) -> bool:
        if not self.shared_memory:
            return False
        asked = subprocess.run(
            ["ipcs", "-m", "-i", self.shared_memory], capture_output=True, check=False
        )
        return asked.returncode == 0 and b"bytes=" in asked.stdout

    def listen(self) -> None:
        for name, family, kind, place in (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("named", socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "named.sock")),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0clerk-{self.mark}"),
        ):
            listener = socket.socket(family, kind)
            listener.bind(place)
            if kind is socket.SOCK_STREAM:
                listener.listen(64)
            self.listeners[name] = listener
            self.reached[name] = 0

    def count(self) -> dict[str, int]:
        """How often each listener was reached so far; what waits in its queue is counted now."""
        for name, listener in self.listeners.items():
            listener.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    if listener.type is socket.SOCK_STREAM:
                        listener.accept()[0].close()
                    else:
                        listener.recv(99)
                    self.reached[name] += 1
        return dict(self.reached)

    def lingering(self) -> list[int]:
        """The processes that attacks left behind."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if f"500.{self.mark}".encode() in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
        return found

    def bury(self) -> None:
        if self.victim is not None:
            self.victim.kill()
            self.victim.wait()

    def end(self) -> None:
        self.bury()
        for pid in self.lingering():
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        for listener in self.listeners.values():
            listener.close()
        if self._has_memory():
            subprocess.run(["ipcrm", "-m", self.shared_memory], check=False)


@dataclass
class Ground:
    """Everything below ``folder``; ``others`` are beside it."""

    folder: Path
    others: Others
    enclosed: Enclosed | None = None
    tree: WorkTree | None = None

    @property
    def main(self) -> Path:
        return self.folder / "a repo"

    @property
    def git_dir(self) -> Path:
        return self.main / ".git"

    @property
    def state(self) -> Path:
        return self.git_dir / "clerk"

    @property
    def worktrees(self) -> Path:
        return self.folder / "a repo.worktrees"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def git(self, *args: str, cwd: Path | None = None) -> str:
        env = {"PATH": PATH, "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}
        done = subprocess.run(
            ["git", *args],
            cwd=cwd or self.main,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def facts(self) -> dict[str, str]:
        others = self.others
        ports = {n: str(others.listeners[n].getsockname()[1]) for n in ("tcp", "udp")}
        places = {
            "MAIN": self.main,
            "GITDIR": self.git_dir,
            "STATE": self.state,
            "WT": self.worktrees / "p/mine",
            "OTHER": self.worktrees / "p/other",
            "POOL": self.worktrees / ".verify/0",
            "UHOME": self.home,
            "SOCK": others.folder / "named.sock",
        }
        return {
            **{name: str(path) for name, path in places.items()},
            "NONCE": f"clerk-{others.mark}",
            "MARK": others.mark,
            "VICTIM": str(others.revive().pid),
            "SHM": others.shared_memory,
            "PORT": ports["tcp"],
            "UDP": ports["udp"],
            "ABSTRACT": f"clerk-{others.mark}",
            "LINGER": f"500.{others.mark}",
            "CGROUP": next((path for path in CGROUPS if Path(path).exists()), "/nonexistent"),
            "PY": shutil.which("python3", path=PATH) or "python3",
            "FORGE": "git commit -q --allow-empty -m forged",
            **IDENTITY,
        }

    async def lay(self, sandbox: Sandbox) -> None:
        """Make it all; with ``sandbox``, also the enclosure of the session of task p/mine."""
        self._lay_files()
        with OpenRepository(Repository.discover(self.main)) as opened:
            mine = await opened.worktrees.create("p", "mine", self.git("rev-parse", "main"))
            other = await opened.worktrees.create("p", "other", self.git("rev-parse", "main"))
            await opened.linked.add(".verify/0", self.git("rev-parse", "main"))
            (other.path / "other.txt").write_text("other\n")
            enclosures = Enclosures(opened.views, enclosures_of(self.state), self.home)
            self.enclosed = await enclosures.of_session(
                sandbox, mine, who="p/mine", branch="clerk/p/mine", lent=()
            )
        self.tree = mine
        await self.enclosed.confinement.make_over()

    def _lay_files(self) -> None:
        for name, text in {
            "a repo/first.txt": "good\n",
            "a repo/check.sh": "true\n",
            "home/.bashrc": "true\n",
            "home/.ssh/id": "PRIVATE\n",
            "elsewhere/file": "x\n",
        }.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-qm", "first")
        self.git("checkout", "-q", "--detach")
        (self.main / "draft.txt").write_text("DRAFT\n")
        for name, text in {
            "clerk.db": "rows",
            "lock": "",
            "tokens": "token",
            "logs/p/other/1/prompt.md": "SECRET",
            "enclosures/p/other/home/.netrc": "x",
        }.items():
            path = self.state / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def fingerprint(self) -> dict[str, str]:
        """All that is outside the session's worktree, view and home, and the state of the others."""
        found = {}
        mine = {self.worktrees / "p/mine", enclosures_of(self.state) / "p/mine"}
        waiting = [self.folder]
        while waiting:
            folder = waiting.pop()
            for path in folder.iterdir():
                if path in mine:
                    found[str(path)] = f"folder {path.is_symlink()}"
                    continue
                found[str(path)] = _print_of(path)
                if path.is_dir() and not path.is_symlink():
                    waiting.append(path)
        pointer = self.worktrees / "p/mine/.git"
        if os.path.lexists(pointer):
            found[str(pointer)] = _print_of(pointer)
        found |= {f"listener {name}": str(n) for name, n in self.others.count().items()}
        alive = self.others.state()
        found["victim"] = f"{alive} {self.others.limits() if alive[0] else ''}"
        found["shared memory"] = str(self.others._has_memory())
        found["lingering"] = str(len(self.others.lingering()))
        return found | _print_of_system(self.others.mark)


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The names of what is not as it was."""
    return sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))


def _print_of(path: Path) -> str:
    found = path.lstat()
    told = [found.st_mode, found.st_uid, found.st_nlink, found.st_mtime_ns]
    if stat.S_ISREG(found.st_mode):
        told.append(hashlib.sha256(path.read_bytes()).hexdigest())
    elif stat.S_ISLNK(found.st_mode):
        told.append(str(path.readlink()))
    return json.dumps(told)


def _print_of_system(mark: str) -> dict[str, str]:
    """Of the machine itself: its accounts, a setting of its kernel, and files that bear our mark."""
    tops = "/ /etc /usr /usr/local /usr/bin /var /var/tmp /tmp /dev /dev/shm /run /opt /srv /home"
    found = {name: _print_of(Path(name)) for name in ("/etc/passwd", "/etc/group", "/etc/hosts")}
    for top in tops.split():
        with suppress(OSError):
            found |= {f"{top}/{n}": "ours" for n in os.listdir(top) if mark in n}  # noqa: PTH208
    found["host name"] = socket.gethostname()
    return found


@contextmanager
def neighbourhood(folder: Path) -> Iterator[Others]:
    """Others with their listeners, in ``folder``; all gone at the end."""
    others = Others(f"{secrets.randbelow(10**12):012}", folder)
    with ExitStack() as stack:
        stack.callback(others.end)
        others.listen()
        yield others


def pen(ground: Ground) -> list[str]:
    """A command prefix: the machine to be read, ``ground`` to be harmed, no other protection.

    Processes, network and privileges are the machine's own. What is tried on ``/etc`` or
    ``/usr/local`` meets copies.
    """
    system = ground.folder / "system"
    for name in ("etc", "local"):
        (system / name).mkdir(parents=True, exist_ok=True)
    for name in ("passwd", "group", "hosts"):
        shutil.copy(f"/etc/{name}", system / "etc" / name)
    return [
        *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *("--dev-bind-try", "/dev/kmsg", "/dev/kmsg"),
        *("--dev-bind-try", "/sys/fs/cgroup", "/sys/fs/cgroup"),
        *("--tmpfs", "/tmp", "--tmpfs", "/var/tmp"),
        *("--dev-bind", str(ground.folder.parent), str(ground.folder.parent)),
        *("--bind", str(system / "etc"), "/etc", "--bind", str(system / "local"), "/usr/local"),
        *("--chdir", str(ground.worktrees / "p/mine"), "--"),
    ]

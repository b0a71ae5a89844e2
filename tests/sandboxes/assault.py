"""The battery let loose: confined, all of it at once; unconfined, one attack at a time in the pen.

``python assault.py`` does the confined part in a folder of its own and tells what came of it as
JSON, so that it can be done as any user.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import anyio
from sandboxes.battery import ATTACKS
from sandboxes.ground import PATH, SECRET, Ground, changes, neighbourhood, pen

from orchestrator.environment import confined_environment
from orchestrator.sandboxes import Sandbox
from orchestrator.sandboxes.bubblewrap import OBJECTS, Bubblewrap
from orchestrator.sandboxes.enclosure import Bounds
from orchestrator.sandboxes.none import NoSandbox
from orchestrator.supervision import orphans
from orchestrator.supervision.job import Job
from orchestrator.supervision.process import supervise

BOUNDS = Bounds(processes=64, open_files=256, file_bytes=32 << 20, scratch_bytes=16 << 20)
_ANEW = """
anew() {
    find "$GITDIR" -mindepth 1 -delete; cp -a /tmp/kept/view/. "$GITDIR/"
    cd "$WT"; find . -mindepth 1 ! -path ./.git -delete; cp -a /tmp/kept/tree/. .; rm -f /tmp/*$NONCE
} >/dev/null 2>&1
mkdir -p /tmp/kept; cp -a "$GITDIR" /tmp/kept/view 2>/dev/null
cp -a "$WT" /tmp/kept/tree 2>/dev/null; rm /tmp/kept/tree/.git
"""
Rewrite = Callable[[Job], Job]


@dataclass
class Damage:
    """What the battery came to: paths and things changed outside, and attacks that worked."""

    changed: list[str]
    worked: list[str]
    tried: int
    said: str = ""


def script(names: Collection[str], *, each_anew: bool) -> str:
    """Shell lines that try the named attacks and tell how each ended."""
    lines = [_ANEW if each_anew else ""]
    for name in names:
        line = shlex.quote(ATTACKS[name].line)
        lines += ["anew"] if each_anew and ATTACKS[name].own else []
        lines.append(
            f"timeout 20 sh -c {line} </dev/null >/dev/null 2>&1; echo RESULT $? {shlex.quote(name)}"
        )
    return "\n".join((*lines, "echo DONE", ""))


def worked_in(said: str) -> list[str]:
    """The attacks that had success where there should be none at all."""
    results = (line.split(" ", 2) for line in said.splitlines() if line.startswith("RESULT "))
    won = [name for _, code, name in results if code == "0"]
    return [name for name in won if not ATTACKS[name].own]


async def confined(
    folder: Path,
    names: Collection[str] = tuple(ATTACKS),
    rewrite: Rewrite = lambda job: job,
    sandbox: Sandbox | None = None,
) -> Damage:
    """Try the named attacks in a session's enclosure; ``rewrite`` may weaken the wrapped job."""
    sandbox = sandbox or Bubblewrap()
    with _ground(folder) as ground:
        await ground.lay(sandbox)
        facts = {**ground.facts(), "TOPS": "/", "OBJECTS": f"{ground.git_dir}/objects:{OBJECTS}"}
        facts["OWN"] = ":".join((facts["WT"], facts["GITDIR"], "/proc", "/dev", "/tmp", "/var/tmp"))
        facts["OWN"] += ":/run"
        line = script(names, each_anew=True)
        env = {**confined_environment({"PATH": PATH, "HOME": str(ground.home)}), **facts}
        log = folder / "log"
        job = Job(("sh", "-c", line), ground.tree.path, env, "p.mine.1", log, wall_seconds=240)
        confinement = ground.enclosed.confinement
        enclosure = replace(confinement.enclosure, bounds=BOUNDS)
        wrapped = rewrite(replace(confinement, enclosure=enclosure).wrap(job))
        before = ground.fingerprint()
        with _adopting(ground):
            ended = await supervise(wrapped)
        after = ground.fingerprint()
        said = log.read_text("utf-8", "replace")
        if "DONE" not in said.splitlines():
            said += f"\nnot done: {ended}"
        return Damage(changes(before, after), worked_in(said), said.count("RESULT "), said)


@contextmanager
def _adopting(ground: Ground) -> Iterator[None]:
    """As the engine is: with the guard gone, the supervisor waits for the end of its namespace."""
    victim = ground.others.victim.pid
    orphans.register(victim, "the victim is no stray")
    assert orphans.adopt_orphans("assault")
    try:
        yield
    finally:
        orphans.disown_orphans()
        orphans.unregister(victim)


def unconfined(folder: Path, names: Collection[str] = tuple(ATTACKS)) -> Iterator[tuple[str, int]]:
    """Try each attack on a ground of its own in the pen: how many things it changed, and got."""
    with _ground(folder) as ground:
        anyio.run(ground.lay, NoSandbox())
        template = folder / "template"
        shutil.copytree(ground.folder, template, symlinks=True, copy_function=shutil.copy2)
        for name in names:
            _lay_again(template, ground.folder)
            yield name, _bites(ground, name)


def _lay_again(template: Path, folder: Path) -> None:
    subprocess.run(["rm", "-rf", str(folder), f"{folder}.gone"], check=True)
    subprocess.run(["cp", "-a", str(template), str(folder)], check=True)


def _bites(ground: Ground, name: str) -> int:
    prefix = pen(ground)
    facts = ground.facts()
    env = {
        "PATH": PATH,
        "TMPDIR": "/tmp",
        "SECRET": SECRET,
        "TOPS": str(ground.folder),
        "OWN": "",
        "OBJECTS": str(ground.git_dir / "objects"),
        **facts,
    }
    before = ground.fingerprint()
    done = subprocess.run(
        [*prefix, "sh", "-c", script([name], each_anew=False)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return len(changes(before, ground.fingerprint())) + len(worked_in(done.stdout))


@contextmanager
def _ground(folder: Path) -> Iterator[Ground]:
    place = folder / "ground"
    place.mkdir()
    with neighbourhood(folder) as others:
        yield Ground(place, others)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.environ["SECRET"] = SECRET
        print(json.dumps(asdict(anyio.run(confined, Path(name).resolve()))))


if __name__ == "__main__":
    sys.exit(main())

"""A small attack by which a sandbox shows that it holds on this machine.

A job of our own tries what no job may: to read and write beside its folder, to see or signal
other processes, to reach the network or a listener of ours, to gain privileges. What it can do
and should not, it reports. A sandbox in which the attack does not even run does not hold either.
"""

from __future__ import annotations

import os
import secrets
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from orchestrator.errors import CannotRun
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.supervision.job import Job
from orchestrator.supervision.process import run, supervise

if TYPE_CHECKING:
    from orchestrator.sandboxes import Sandbox

_SECONDS = 20.0

_SCRIPT = r"""
breach() { echo "breach: $1"; }
echo work >"$INSIDE/work" || breach "cannot write its own folder"
(echo gone >"$OUTSIDE/victim") 2>/dev/null && breach "wrote outside its folder"
(echo gone >"$OUTSIDE/new") 2>/dev/null && breach "made a file outside its folder"
[ "$(cat "$OUTSIDE/secret" 2>/dev/null)" ] && breach "read a file outside its folder"
(kill -0 "$VICTIM") 2>/dev/null && [ "$COMM" ] && [ "$(cat /proc/$VICTIM/comm 2>/dev/null)" = "$COMM" ] && breach "can signal the engine"
grep -q "^CapEff:[[:space:]]*0*$" /proc/self/status || breach "has capabilities"
grep -q "^NoNewPrivs:[[:space:]]*1$" /proc/self/status || breach "may gain privileges"
grep -q "^Seccomp:[[:space:]]*2$" /proc/self/status || breach "may make any system call"
(unshare -Ur true) 2>/dev/null && breach "may make namespaces of its own"
[ "$COVERS" ] && tail -n +3 /proc/net/dev | grep -qv "^ *lo:" && breach "has a network"
[ "$COVERS" ] && [ "$(cat /proc/[0-9]*/comm 2>/dev/null | grep -c .)" -gt 12 ] && breach "sees other processes"
echo attacked
"""


async def attack(sandbox: Sandbox) -> str:
    """Why ``sandbox`` does not hold here, in a sentence with the mend; empty when it does."""
    folder = Path(await anyio.to_thread.run_sync(lambda: tempfile.mkdtemp(prefix="clerk-probe-")))
    folder.chmod(0o711)  # a job that is another user walks through it
    try:
        return await _attack(sandbox, folder.resolve())
    except CannotRun as error:
        return str(error)
    finally:
        await _clear(folder)


async def _attack(sandbox: Sandbox, folder: Path) -> str:
    inside, outside = folder / "inside", folder / "outside"
    for place in (inside, outside, folder / "home"):
        place.mkdir()
    (outside / "victim").write_text("untouched")
    (outside / "secret").write_text(secrets.token_hex())
    facts = {
        "INSIDE": inside,
        "OUTSIDE": outside,
        "VICTIM": os.getpid(),
        "COMM": _own_name(),
        "COVERS": "yes" if sandbox.covers else "",
    }
    set_up = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in facts.items())
    enclosure = Enclosure(who="probe", home=folder / "home", writable=(inside,))
    await sandbox.make_over(enclosure)
    log = folder / "log"
    job = Job(
        argv=("sh", "-c", set_up + _SCRIPT),
        cwd=inside,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        cookie="probe",
        log=log,
        wall_seconds=_SECONDS,
    )
    ended = await supervise(sandbox.wrap(job, enclosure))
    said = log.read_text("utf-8", "replace") if log.exists() else ""
    return _verdict(said, ended.error, intact=(outside / "victim").read_text() == "untouched")


def _own_name() -> str:
    try:
        return Path("/proc/self/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _verdict(said: str, error: str, *, intact: bool) -> str:
    breaches = [line for line in said.splitlines() if line.startswith("breach: ")]
    if "attacked" not in said.splitlines():
        last = (said.strip().splitlines() or [error or "it said nothing"])[-1]
        return f"it does not start here: {last}{_mend(said)}"
    if breaches or not intact:
        return f"it does not hold here: {'; '.join(breaches) or 'a file outside was changed'}"
    return ""


def _mend(said: str) -> str:
    """What to do about the two refusals that distributions are known for."""
    if "uid map" in said or "RTM_NEWADDR" in said or "Operation not permitted" in said:
        return (
            "; user namespaces are forbidden here: on Ubuntu 23.10 or newer allow bwrap by an AppArmor "
            "profile (docs/trust.md has it), elsewhere: sysctl kernel.unprivileged_userns_clone=1"
        )
    return ""


async def _clear(folder: Path) -> None:
    await run(("rm", "-rf", "--", str(folder)), cwd="/", env={"PATH": os.defpath})

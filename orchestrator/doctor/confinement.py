"""Whether sessions and checks can be confined here, by attack, and what to do where they cannot."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.doctor.finding import Finding, missing, ok, warn
from orchestrator.errors import CannotRun
from orchestrator.sandboxes.choice import choose, why_not
from orchestrator.supervision import process

if TYPE_CHECKING:
    from orchestrator.doctor.ground import Ground

_KERNEL = Path("/proc/sys")
_INSTALL = {
    "debian": "apt install bubblewrap",
    "ubuntu": "apt install bubblewrap",
    "fedora": "dnf install bubblewrap",
    "rhel": "dnf install bubblewrap",
    "suse": "zypper install bubblewrap",
    "arch": "pacman -S bubblewrap",
    "alpine": "apk add bubblewrap",
}
_PROFILE = (
    "allow bwrap by an AppArmor profile: printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\n"
    "profile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}\\n' | "
    "sudo tee /etc/apparmor.d/bwrap && sudo apparmor_parser -r /etc/apparmor.d/bwrap"
)
_SWITCHES = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", _PROFILE),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
)
"""Where a kernel says that users may make no namespaces, and the mend."""

_MENDLESS = (
    "a container may forbid namespaces: start it with leave for them, or run clerk outside; "
    "--sandbox none runs everything with all your rights"
)


async def sandboxes(ground: Ground) -> Iterator[Finding]:
    """One after the other: an attack is made once, and remembered."""
    return iter([await _bubblewrap(ground), await _landlock(), await _chosen(ground)])


async def _bubblewrap(ground: Ground) -> Finding:
    why = await why_not("bubblewrap")
    if not why:
        return ok("bubblewrap", f"{await _said(ground)} holds, by an attack on it")
    return warn("bubblewrap", why, mend_of_bubblewrap())


async def _landlock() -> Finding:
    """The weaker one, used where bubblewrap does not hold."""
    why = await why_not("landlock")
    if not why:
        return ok("landlock", "holds, by an attack on it; used where bubblewrap does not")
    if not await why_not("bubblewrap"):
        return ok("landlock", "cannot be used here, nor is it needed: bubblewrap holds")
    return warn("landlock", why)


async def _chosen(ground: Ground) -> Finding:
    """What ``clerk run`` would take."""
    try:
        name = await choose(ground.settings.sandbox)
    except CannotRun as error:
        return missing("sandbox", str(error), mend_of_bubblewrap())
    if name == "none":
        told = "the setting 'sandbox' is none: jobs run with all your rights"
        return warn("sandbox", told, "take the setting away")
    if name == "landlock":
        told = "landlock: it hides nothing, and what detaches from a job may outlive it"
        return warn("sandbox", told, mend_of_bubblewrap())
    return ok("sandbox", name)


def mend_of_bubblewrap() -> str:
    """What to do on this machine so that bubblewrap holds."""
    if sys.platform != "linux":
        return "bubblewrap is of Linux only"
    if shutil.which("bwrap") is None:
        return _install()
    if os.geteuid() != 0:
        for switch, forbidding, mend in _SWITCHES:
            if _kernel_says(switch) == forbidding:
                return mend
    return _MENDLESS


def _install() -> str:
    known = _distribution()
    line = next((_INSTALL[name] for name in known if name in _INSTALL), "")
    return line or "install the package 'bubblewrap'"


def _distribution() -> list[str]:
    """The distribution's name and those it is like, the nearest first."""
    try:
        lines = Path("/etc/os-release").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    return [word for key in ("ID", "ID_LIKE") for word in told.get(key, "").strip('"').split()]


def _kernel_says(switch: str) -> str:
    try:
        return (_KERNEL / switch).read_text().strip()
    except OSError:
        return ""


async def _said(ground: Ground) -> str:
    done = await process.run(("bwrap", "--version"), cwd="/", env=ground.environ)
    return done.stdout.decode("utf-8", "replace").strip()

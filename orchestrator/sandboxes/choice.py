"""Which sandbox to use: the strongest that holds on this machine, or none that was not asked for.

The ladder goes down to refusal, never to running unconfined: that takes a person's word.
"""

from __future__ import annotations

import os
import sys

from orchestrator import sandboxes
from orchestrator.errors import CannotRun, UsageError

AUTO = "auto"
LADDERS = {"linux": ("bubblewrap", "landlock"), "darwin": ("seatbelt",)}
"""The strongest first, by platform."""

_held: dict[str, str] = {}
"""Why each sandbox does not hold, as the attack said once in this process's life."""


async def choose(wanted: str) -> str:
    """The name of the sandbox to use for ``wanted``, which may be ``auto``.

    Raises UsageError for a name that is none, CannotRun with the mend when what is wanted, or
    everything, does not hold here.
    """
    if wanted != AUTO:
        await _require(wanted)
        return wanted
    reasons = []
    for name in LADDERS.get(sys.platform, ()):
        reason = await why_not(name)
        if not reason:
            return name
        reasons.append(f"{name}: {reason}")
    told = "; ".join(reasons) or f"there is none for {sys.platform}"
    raise CannotRun(
        f"no sandbox holds on this machine ({told}); 'clerk doctor' tells how to mend that; "
        "or say --sandbox none: sessions and checks then run with all your rights"
    )


async def why_not(name: str) -> str:
    """Why the sandbox ``name`` does not hold here, empty when it does; attacked once."""
    if name == "landlock" and os.geteuid() == 0:
        return "it is for users without root's rights, who own what they lend"
    if name not in _held:
        _held[name] = await sandboxes.load(name).probe()
    return _held[name]


async def _require(name: str) -> None:
    if name not in sandboxes.SANDBOXES and ":" not in name:
        listed = ", ".join((AUTO, *sandboxes.SANDBOXES))
        raise UsageError(f"there is no sandbox {name!r}; there are {listed}")
    reason = await why_not(name)
    if reason:
        raise CannotRun(f"the sandbox {name!r} cannot be used: {reason}")

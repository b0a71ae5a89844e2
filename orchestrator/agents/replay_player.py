"""The program behind a ``replay`` agent: does one step of a script in its current folder.

Started as ``python -I -S replay_player.py STEP``, STEP being JSON with all paths made absolute.
Standard library only, and little of it, since it is started once per session: no subprocess
module, no imports of ours. Everything it prints is one JSON object a line.
"""

from __future__ import annotations

import json
import os
import sys
import time

HANG_SECONDS = 3600


def tell(kind: str, value: object) -> None:
    sys.stdout.write(json.dumps({kind: value}) + "\n")
    sys.stdout.flush()


def spawn(*argv: str) -> int:
    return os.spawnvp(os.P_WAIT, argv[0], argv)  # noqa: S606 - no shell is the point


def call(*argv: str) -> None:
    """Run a command; where it fails the session has failed, with the same exit code."""
    tell("tool", [argv[0], " ".join(argv[1:])])
    status = spawn(*argv)
    if status != 0:
        tell("failed", f"{' '.join(argv)} ended with {status}")
        sys.exit(status if status > 0 else 128 - status)


def play(step: dict[str, object]) -> int:
    """Do the step and return its exit code."""
    tell("session", step["session"])
    time.sleep(float(str(step.get("delay", 0))))
    for text in as_list(step["say"]):
        tell("say", text)
    for patch in as_list(step["patch"]):
        call("git", "apply", "--3way", "--whitespace=nowarn", str(patch))
    for line in as_list(step["run"]):
        call("sh", "-c", str(line))
    if "commit" in step:
        commit(str(step["commit"]))
    if "usage" in step:
        tell("usage", step["usage"])
    while step.get("hang"):
        time.sleep(HANG_SECONDS)
    return end(step)


def commit(message: str) -> None:
    """Commit everything there is; a step played again after a crash may find nothing left."""
    call("git", "add", "--all")
    if spawn("git", "diff", "--cached", "--quiet") != 0:
        call("git", "commit", "--quiet", "--message", message)


def end(step: dict[str, object]) -> int:
    code = int(str(step.get("exit", 0)))
    if "ask" in step:
        tell("ask", step["ask"])
    elif code == 0:
        says = as_list(step["say"])
        tell("finished", says[-1] if says else "")
    return code


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


if __name__ == "__main__":
    sys.exit(play(json.loads(sys.argv[1])))

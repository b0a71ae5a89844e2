"""``python3 -m sim.judge PORT``: the program runs, then the simulator tells what it saw, in TAP."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.request import urlopen

PROGRAM = (
    "import sys; from arm.client import Arm; from arm.sort import sort; sort(Arm(int(sys.argv[1])))"
)
SECONDS = 30
MOST_TOLD = 5


def main(port: str) -> int:
    ran, words = run(port)
    with urlopen(f"http://127.0.0.1:{port}/seen", timeout=10) as answer:
        seen = json.load(answer)
    results = [("the program ends by itself", ran, words)]
    for block in seen["blocks"]:
        where = "held by the gripper" if block["held"] else f"at x = {block['x']:.2f}"
        results.append(
            (
                f"the {block['name']} block is in its tray",
                block["home"],
                [f"it is {where}, its tray is at x = {block['tray']:.2f}"],
            )
        )
    results.append(("nothing went wrong on the way", not seen["incidents"], seen["incidents"]))
    print(f"TAP version 13\n1..{len(results)}")
    for number, (name, good, why) in enumerate(results, start=1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        for line in () if good else why[:MOST_TOLD]:
            print(f"# {line}")
    return 0 if all(good for _, good, _ in results) else 1


def run(port: str) -> tuple[bool, list[str]]:
    """Whether the program ended well, and its last words."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, port],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, [f"it was stopped after {SECONDS} seconds"]
    return done.returncode == 0, done.stderr.strip().splitlines()[-1:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""What the target was worth, found out by hand: every value it took, checked out and tested.

The values come from git's own log of the branch, not from the engine. It works in a clone of its
own, so that nothing it does can help or hurt what it judges.
"""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from history_replay.git import GitFailed, environment, git, listed
from history_replay.merges import is_as_git_merges
from history_replay.yard import TARGET
from orchestrator.plan.values import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from history_replay.orders import Wishes
    from history_replay.yard import Yard

_TOLD_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the tests pass at a value of the target; ``told`` is how their output ended."""

    commit: str
    green: bool
    told: str


class Bench:
    """A clone in ``folder`` in which commits are tested, each in a place of its own."""

    def __init__(self, clone: Path, folder: Path, wishes: Wishes) -> None:
        self._folder, self._wishes = folder, wishes
        self._clone = folder / "proof.git"
        git(folder, "clone", "--quiet", "--mirror", str(clone), str(self._clone))

    def prove(self, commits: Sequence[str], at_once: int) -> Iterator[Proof]:
        """A proof of each, in their order."""
        places = [self._checkout(commit) for commit in commits]
        with ThreadPoolExecutor(at_once) as workers:
            yield from workers.map(self._test, commits, places)

    def _checkout(self, commit: str) -> Path:
        place = self._folder / commit
        git(self._clone, "worktree", "add", "--quiet", "--detach", str(place), commit)
        return place

    def _test(self, commit: str, place: Path) -> Proof:
        told = ""
        for command in (*self._wishes.setup, self._wishes.test):
            code, told = _ran(command, place, self._wishes.timeout)
            if code:
                return Proof(commit, green=False, told=told)
        return Proof(commit, green=True, told=told)


def _ran(command: str, place: Path, timeout: float) -> tuple[int, str]:
    """A command's exit code and the end of its output; what it started ends with its time."""
    with subprocess.Popen(
        ["sh", "-c", command],
        cwd=place,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            output += f"stopped after {show_duration(timeout)}\n".encode()
    return process.returncode, output[-_TOLD_BYTES:].decode("utf-8", "replace")


def values(clone: Path) -> list[str]:
    """Every value the target took, oldest first: where the replay started, then each move."""
    ref = f"refs/heads/{TARGET}"
    taken = git(clone, "log", "--walk-reflogs", "--format=%H", ref).split()[::-1]
    if not taken or taken[-1] != git(clone, "rev-parse", ref):
        raise GitFailed(f"{clone}: the log of {TARGET} does not end where {TARGET} is")
    return taken


def steps(yard: Yard) -> list[str]:
    """Every first-parent commit of the target, oldest first, from where the replay started."""
    words = ("rev-list", "--first-parent", "--reverse", f"^{yard.start}", f"refs/heads/{TARGET}")
    return [yard.start, *git(yard.clone, *words).split()]


def lost(clone: Path, commits: Sequence[str]) -> list[str]:
    """Those of the landed commits that the target no longer holds."""
    held = set(git(clone, "rev-list", f"refs/heads/{TARGET}").split())
    return [commit for commit in commits if commit not in held]


def altered(yard: Yard) -> list[str]:
    """The merges of the target whose tree is not what git makes of their two parents."""
    shown = (
        "rev-list",
        "--first-parent",
        "--parents",
        "--merges",
        "--max-parents=2",
        f"^{yard.start}",
    )
    merges = git(yard.clone, *shown, f"refs/heads/{TARGET}").splitlines()
    return [
        words[0] for words in map(str.split, merges) if not is_as_git_merges(yard.clone, *words)
    ]


def differing(yard: Yard) -> list[str]:
    """The paths in which the target differs from what history came to."""
    words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames")
    return listed(yard.clone, *words, f"refs/heads/{TARGET}", yard.tip)

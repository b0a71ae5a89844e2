"""What a replayed agent does in its worktree: make a change of history, or mend it.

Started as ``python -I builder.py STORY CHANGE`` with the standard library alone, since the sandbox
holds nothing else of ours. It looks what is there, as an agent would, and assumes nothing of earlier
attempts. Where work does not fit it takes what history made of the files in question, at the
newest change that is in its worktree; it never brings in a file that no change there is about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BY = "Replays: "


def main() -> int:
    story = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    builder = Builder(story["start"], story["changes"], sys.argv[2])
    builder.work()
    return 0


@dataclass(frozen=True)
class Builder:
    """``changes`` are those of history in its order: id to ``commit``, ``pick`` and ``paths``."""

    start: str
    changes: dict[str, dict[str, object]]
    name: str

    def work(self) -> None:
        if self.name in self.present() or unmerged():
            self.mend()
        else:
            self.make()

    def make(self) -> None:
        """The change itself; what does not apply is as history settled it."""
        pick = str(self.changes[self.name]["pick"])
        git("cherry-pick", "--no-commit", "--allow-empty", pick, ok=(0, 1))
        in_conflict = unmerged()
        self.settle(in_conflict)
        say(f"{len(in_conflict)} files did not apply" if in_conflict else "applied as it was")
        if is_staged():
            git("commit", "--quiet", "--no-verify", "-C", pick)

    def mend(self) -> None:
        """Settle a conflict; without one, it is red: that may take a file of another change."""
        settled = unmerged()
        self.settle(settled)
        for names in () if settled else ({self.name}, self.present()):
            before = git("write-tree")
            settled = [str(path) for name in names for path in as_list(self.changes[name]["paths"])]
            self.settle(settled)
            if git("write-tree") != before:
                break
        say(f"{len(settled)} files are as history has them")
        if is_staged() or merge_head():
            message = f"Take what history made of it\n\n{BY}{self.changes[self.name]['commit']}"
            git("commit", "--quiet", "--no-verify", "--message", message)

    def settle(self, paths: list[str]) -> None:
        if not paths:
            return
        source = self.newest()
        there = set(listed("ls-tree", "-r", "-z", "--name-only", source))
        gone = [path for path in paths if path not in there]
        kept = [path for path in paths if path in there]
        listing = ("--pathspec-from-file=-", "--pathspec-file-nul")
        literal = "--literal-pathspecs"
        if gone:
            words = ("rm", "--quiet", "--force", "--ignore-unmatch", *listing)
            git(literal, *words, given="\0".join(gone))
        if kept:
            git(literal, "checkout", "--quiet", source, *listing, given="\0".join(kept))

    def newest(self) -> str:
        """Where history stood when all that is here was in it."""
        here = {self.name, *self.present()}
        return str([change for name, change in self.changes.items() if name in here][-1]["commit"])

    def present(self) -> set[str]:
        """The changes that are in the worktree, landed or our own."""
        shown = f"--format=%(trailers:key={BY.strip(': ')},valueonly)"
        words = ["HEAD", *merge_head(), f"^{self.start}"]
        found = set(git("log", shown, *words).split())
        return {name for name, change in self.changes.items() if change["commit"] in found}


def git(*args: str, ok: tuple[int, ...] = (0,), given: str | None = None) -> str:
    done = subprocess.run(
        ["git", *args],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        stdout=subprocess.PIPE,
        check=False,
        encoding="utf-8",
        errors="surrogateescape",
    )
    if done.returncode not in ok:
        sys.exit(f"git {args[0]} ended with {done.returncode}")
    return done.stdout


def listed(*args: str) -> list[str]:
    return [item for item in git(*args).split("\0") if item]


def unmerged() -> list[str]:
    entries = listed("ls-files", "-z", "--unmerged")
    return sorted({entry.split("\t", 1)[1] for entry in entries})


def merge_head() -> list[str]:
    return git("rev-parse", "--quiet", "--verify", "MERGE_HEAD", ok=(0, 1)).split()


def is_staged() -> bool:
    return bool(git("diff", "--cached", "--name-only", "--no-renames"))


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

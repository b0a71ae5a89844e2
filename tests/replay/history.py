"""A repository with a past: a conflict, a pair that is red together, and files of every kind.

Its test wants every file in ``uses`` to name one in ``has``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from history_replay.git import GitFailed, git

TEST = "sh test.sh"
COUNT = 8
"""Changes after the first commit."""

_TEST_SH = (
    'for use in uses/*; do test -f "has/$(cat "$use")" || { echo "$use: red"; exit 1; }; done\n'
)


@dataclass(frozen=True)
class History:
    folder: Path

    def git(self, *args: str) -> str:
        return git(self.folder, *args)

    def write(self, name: str, text: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, base: str, **files: str) -> None:
        """A branch with one commit that writes files; ``__`` in a name is a slash."""
        self.git("switch", "--quiet", "--create", name, base)
        for file, text in files.items():
            self.write(file.replace("__", "/"), text)
        self.commit(f"work on {name}")

    def merge(self, name: str, **settled: str) -> None:
        """Merge into main, as a forge words it; files in ``settled`` are as a person made them."""
        self.git("switch", "--quiet", "main")
        words = ("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", name)
        self.git(*words)
        try:
            tree = self.git("merge-tree", "--write-tree", "--no-messages", "HEAD", name)
        except GitFailed:
            assert settled
            tree = self.git("rev-parse", f"{name}^{{tree}}")
        self.git("read-tree", "--reset", "-u", tree)
        for file, text in settled.items():
            self.write(file.replace("__", "/"), text)
        self.git("add", "--all")
        message = f"Merge pull request #7 from somebody/{name}\n\nPlease {name}"
        self.git("commit", "--quiet", f"--message={message}")

    def state(self) -> tuple[str, ...]:
        """All that a reader must leave as it is."""
        return (
            *(
                self.git("for-each-ref"),
                self.git("status", "--porcelain"),
                self.git("rev-parse", "HEAD"),
            ),
            *(self.git("worktree", "list"), self.git("count-objects", "--verbose")),
            (self.folder / ".git" / "config").read_text(encoding="utf-8"),
        )


def a_history(folder: Path) -> History:
    folder.mkdir()
    past = History(folder)
    past.git("init", "--quiet", "--template=", "--initial-branch=main")
    past.write("test.sh", _TEST_SH)
    past.write("words", "one\n")
    past.write("has/old", "it\n")
    past.write("uses/first", "old\n")
    past.write("blob", bytes(range(256)))
    start = past.commit("start")
    past.branch("add-two", start, words="one\ntwo\n")
    past.branch("add-three", start, words="one\nthree\n")
    past.branch("rename", start, uses__first="new\n")
    past.git("mv", "has/old", "has/new")
    past.git("commit", "--quiet", "--amend", "--all", "--no-edit")
    past.branch("use", start, uses__second="old\n")
    past.merge("add-two")  # c01
    past.merge("add-three", words="one\ntwo\nthree\n")  # c02: it met a conflict
    past.merge("rename")  # c03
    renamed = past.git("rev-parse", "HEAD")
    past.merge("use", uses__second="new\n")  # c04: green alone, red with c03
    _files_of_every_kind(past)  # c05
    past.branch("later", renamed, uses__third="new\n")
    past.merge("later")  # c06: made on c03
    _link_to_a_repository(past)  # c07
    past.git("rm", "--quiet", "--cached", "link")
    past.git("commit", "--quiet", "--message=unlink")  # c08: nothing but a link
    return past


def _files_of_every_kind(past: History) -> None:
    past.git("mv", "blob", "moved blob")
    past.write("moved blob", bytes(range(255, -1, -1)) + bytes(range(200)))
    past.write("tool", "#!/bin/sh\n")
    (past.folder / "tool").chmod(0o755)
    (past.folder / "link to tool").symlink_to("tool")
    past.commit("files of every kind")


def _link_to_a_repository(past: History) -> None:
    head = past.git("rev-parse", "HEAD")
    past.write("beside", "the link\n")
    past.git("add", "beside")
    past.git("update-index", "--add", "--cacheinfo", f"160000,{head},link")
    past.git("commit", "--quiet", "--message=a link and a file")

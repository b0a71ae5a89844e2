"""Conflicts as the agent that must mend them needs to see them.

``hunks`` shows a conflict in few tokens from the merged tree alone; ``sync`` brings the target
into a task's worktree and leaves the markers there to be resolved; ``left`` finds those that a
session committed as they were, however long ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.history import History, clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.git.candidates import Conflict
    from orchestrator.git.command import Git, WorkTree
    from orchestrator.git.resolutions import Disputed, Resolutions

CONTEXT_LINES = 3
_START, _END = "<<<<<<< ", ">>>>>>> "


@dataclass(frozen=True, slots=True)
class Synced:
    """The task's branch and the target are joined, unless ``conflicts`` names open files.

    ``reused`` are files in which an earlier resolution of the same conflict was put in place,
    ``disputed`` those of the open ones whose resolution can be learnt.
    """

    conflicts: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    disputed: tuple[Disputed, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.conflicts


class Conflicts:
    """Shows conflicts, and takes them to where they can be mended."""

    def __init__(self, git: Git, history: History, resolutions: Resolutions) -> None:
        self._git = git
        self._history = history
        self._resolutions = resolutions

    async def hunks(self, conflict: Conflict, max_bytes: int) -> str:
        """The conflicting hunks with ``CONTEXT_LINES`` around, at most ``max_bytes`` of text.

        The sides are called ``target`` and ``yours``. A file without markers (deleted on one
        side, binary) is named with git's own account instead.
        """
        parts = []
        for path in conflict.paths:
            content = await self._history.file_at(conflict.tree, path) or b""
            text = content.decode("utf-8", "replace")
            text = text.replace(f"{_START}{conflict.target}", f"{_START}target")
            text = text.replace(f"{_END}{conflict.head}", f"{_END}yours")
            told = list(marked_hunks(text)) or [_account_of(path, conflict.summary)]
            parts.append("\n".join([f"--- {path}", *told]))
        return clip(("\n".join(parts) + "\n").encode(), max_bytes)

    async def sync(self, tree: WorkTree, target: str, message: str) -> Synced:
        """Merge the oid ``target`` into the worktree's branch.

        Clean: a commit (or a fast-forward), also where every conflict was resolved once before.
        Otherwise the files hold conflict markers, and the merge is in progress for the next session
        to finish. Raises GitError when git refuses to begin, e.g. over uncommitted changes.
        """
        merged = await self._git.run(
            "merge",
            "--no-verify",
            "--no-edit",
            "--no-stat",
            "-m",
            message,
            target,
            at=tree,
            ok=(0, 1, 2),
        )
        if merged.code == 0:
            return Synced()
        if not await self._unmerged(tree):
            raise GitError(f"the target cannot be merged in {tree.path}: {merged.complaint}")
        disputed = await self._resolutions.disputed(tree)
        reused = await self._resolutions.reuse(tree, disputed)
        left = await self._unmerged(tree)
        if not left:
            await self._git.run("commit", "--quiet", "--no-verify", "--no-edit", at=tree)
        return Synced(left, reused, tuple(one for one in disputed if one.path in left))

    async def _unmerged(self, tree: WorkTree) -> tuple[str, ...]:
        listing = await self._git.run(
            "diff", "--name-only", "--diff-filter=U", "-z", "--no-ext-diff", at=tree
        )
        return tuple(dict.fromkeys(listing.fields))

    async def left(self, head: str, target: str) -> tuple[str, ...]:
        """Files of ``head`` that still hold a marker of the merge with the oid ``target``.

        Git ends a conflict with the merged commit's whole id, so no text of anybody's own, about
        conflicts or with samples of them, is taken for one.
        """
        found = await self._git.run(
            *("grep", "-z", "--name-only", "--full-name", "--no-color", "-I", "-F"),
            *("-e", f"{_END}{target}", head),
            ok=(0, 1),
        )
        return tuple(name.removeprefix(f"{head}:") for name in found.fields)


def marked_hunks(text: str) -> Iterator[str]:
    """The parts of ``text`` between conflict markers, with the lines around them.

    Hunks whose surroundings touch come as one; each starts with the number of its first line.
    """
    lines = text.splitlines()
    for first, last in _joined(_spans(lines), len(lines)):
        yield "\n".join([f"@ line {first + 1}", *lines[first:last]])


def _spans(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = None
    for number, line in enumerate(lines):
        if line.startswith(_START):
            start = number
        elif line.startswith(_END) and start is not None:
            yield start, number + 1
            start = None


def _joined(spans: Iterator[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        first, last = max(0, start - CONTEXT_LINES), min(count, end + CONTEXT_LINES)
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _account_of(path: str, summary: str) -> str:
    mine = [line for line in summary.splitlines() if path in line]
    return "\n".join(mine) or "in conflict"

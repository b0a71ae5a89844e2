"""Which scopes cover the same paths: the forecast of conflicts.

A scope is a task's list of globs. Two scopes overlap where a tracked file is covered by both,
and, for what does not exist yet, where one covers a whole folder in which the other begins, or
both hold the same glob. What could be decided only by inventing file names is not claimed.
Scopes are bits of an int, so that a thousand of them on the same folder cost no more than one
or a time for each distinct glob.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import takewhile
from typing import TYPE_CHECKING

from orchestrator.plan.globs import (
    PathGlobs,
    covered_folder,
    literal_folder,
    literal_prefix,
    literal_tail,
)
from orchestrator.plan.graph import positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class TrackedFiles:
    """The repository's files, asked by glob; each glob is matched once."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = sorted(paths)
        self._found: dict[str, frozenset[str]] = {}

    def matching(self, pattern: str) -> frozenset[str]:
        """The files that ``pattern`` covers."""
        if pattern not in self._found:
            # Plain text rules out nearly all paths; a glob is compiled only for what is left.
            tail = literal_tail(pattern)
            likely = [path for path in self._beginning(literal_prefix(pattern)) if tail in path]
            found = filter(PathGlobs([pattern]).matches, likely) if likely else ()
            self._found[pattern] = frozenset(found)
        return self._found[pattern]

    def _beginning(self, prefix: str) -> Iterator[str]:
        first = bisect_left(self._paths, prefix)
        following = (self._paths[index] for index in range(first, len(self._paths)))
        return takewhile(lambda path: path.startswith(prefix), following)


class Overlap:
    """Which of ``scopes`` share paths; ``shares[n]`` are the others of scope ``n`` as bits."""

    def __init__(self, scopes: Sequence[Sequence[str]], files: TrackedFiles) -> None:
        self._scopes = scopes
        self._files = files
        self.shares = [0] * len(scopes)
        for together in self._together():
            for number in positions(together):
                self.shares[number] |= together
        for number in range(len(scopes)):
            self.shares[number] &= ~(1 << number)

    def example(self, one: int, other: int) -> str:
        """A file, else a glob, that both scopes cover; empty when they share nothing."""
        files = self._covered(one) & self._covered(other)
        if files:
            return min(files)
        return next(
            (
                max(mine, theirs, key=len)
                for mine in self._scopes[one]
                for theirs in self._scopes[other]
                if _meet(mine, theirs)
            ),
            "",
        )

    def _covered(self, number: int) -> set[str]:
        return set().union(*map(self._files.matching, self._scopes[number]))

    def _together(self) -> set[int]:
        """Sets of scopes of which every two share a path."""
        holders: dict[str, int] = defaultdict(int)
        for number, scope in enumerate(self._scopes):
            for pattern in scope:
                holders[pattern] |= 1 << number
        return {*holders.values(), *self._by_file(holders), *_by_folder(holders)}

    def _by_file(self, holders: dict[str, int]) -> Iterable[int]:
        covering: dict[str, int] = defaultdict(int)
        for pattern, scopes in holders.items():
            for path in self._files.matching(pattern):
                covering[path] |= scopes
        return covering.values()


def _by_folder(holders: dict[str, int]) -> Iterator[int]:
    covering: dict[str, int] = defaultdict(int)
    for pattern, scopes in holders.items():
        folder = covered_folder(pattern)
        if folder is not None:
            covering[folder] |= scopes
    for pattern, scopes in holders.items():
        for folder in _ancestors(literal_folder(pattern)):
            # Those that cover the folder meet there, and the holders of the glob meet all of them.
            if folder in covering:
                yield covering[folder] | scopes


def _ancestors(folder: str) -> Iterator[str]:
    """``a/b/`` gives ``a/b/``, ``a/`` and the empty folder, which is the root."""
    while folder:
        yield folder
        folder = folder[: folder.rfind("/", 0, -1) + 1]
    yield ""


def _meet(one: str, other: str) -> bool:
    if one == other:
        return True
    return any(
        folder is not None and literal_folder(inner).startswith(folder)
        for folder, inner in ((covered_folder(one), other), (covered_folder(other), one))
    )

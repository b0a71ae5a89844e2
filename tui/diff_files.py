"""A diff taken apart: its files, their hunks, and which line of which side each line is.

Pure, and believes nothing: what is not of a diff's shape becomes a file of that name, or a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_FILE = "diff --git "
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
_NOTES = (
    ("new file mode", "new"),
    ("deleted file mode", "deleted"),
    ("rename from ", "renamed"),
    ("copy from ", "copied"),
    ("Binary files ", "binary"),
    ("GIT binary patch", "binary"),
    ("new mode ", "mode changed"),
)


class DiffLine(NamedTuple):
    """One line; ``sign`` is a plus, a minus or a space, ``number`` of the side it stands on."""

    sign: str
    number: int
    text: str


class Hunk(NamedTuple):
    """Lines that follow one another; ``where`` is what git says they stand in."""

    number: int
    where: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True)
class FileDiff:
    """What changed in one file; ``note`` is a word on what is special about it.

    ``head`` is what git says of it before the first hunk, all there is where it is not text.
    """

    path: str
    note: str
    head: tuple[str, ...]
    hunks: tuple[Hunk, ...]

    @cached_property
    def added(self) -> int:
        return self._count("+")

    @cached_property
    def removed(self) -> int:
        return self._count("-")

    def _count(self, sign: str) -> int:
        return sum(line.sign == sign for hunk in self.hunks for line in hunk.lines)


def files_of(text: str) -> list[FileDiff]:
    """The files of a diff as git writes it, in its order."""
    parts: list[list[str]] = []
    for line in text.removesuffix("\n").split("\n") if text else ():
        if line.startswith(_FILE) or not parts:
            parts.append([])
        parts[-1].append(line)
    return [_file(part) for part in parts]


def _file(lines: list[str]) -> FileDiff:
    start = next((n for n, line in enumerate(lines) if _HUNK.match(line)), len(lines))
    head = lines[:start]
    notes = (word for line in head for prefix, word in _NOTES if line.startswith(prefix))
    hunks = tuple(_hunks(lines[start:]))
    return FileDiff(_path(head), next(notes, ""), tuple(head), hunks)


def _path(head: list[str]) -> str:
    """The name after the change, or before where nothing is left; git quotes what is odd."""
    names = dict(line.split(" ", 1) for line in head if line.startswith(("+++ ", "--- ")))
    for side, prefix in (("+++", "b/"), ("---", "a/")):
        name = names.get(side, "/dev/null").split("\t")[0].strip('"')
        if name != "/dev/null":
            return name.removeprefix(prefix)
    renamed = next((line for line in head if line.startswith(("rename to ", "copy to "))), "")
    if renamed:
        return renamed.split(" ", 2)[2].strip('"')
    return head[0].removeprefix(_FILE).rpartition(" b/")[2].strip('"') if head else "?"


def _hunks(lines: list[str]) -> list[Hunk]:
    starts = [n for n, line in enumerate(lines) if _HUNK.match(line)]
    ends = [*starts[1:], len(lines)] if starts else []
    return [_hunk(lines[at:end]) for at, end in zip(starts, ends, strict=True)]


def _hunk(lines: list[str]) -> Hunk:
    """One hunk; what says that there is no newline at the end is left out."""
    match = _HUNK.match(lines[0])
    old, new, where = (int(match[1]), int(match[2]), match[3].strip()) if match else (0, 0, "")
    told: list[DiffLine] = []
    number = new
    for line in lines[1:]:
        sign = line[:1] if line[:1] in {"+", "-", "\\"} else " "
        if sign != "\\":
            told.append(DiffLine(sign, old if sign == "-" else new, line[1:]))
        old += sign in {"-", " "}
        new += sign in {"+", " "}
    return Hunk(number, where, tuple(told))

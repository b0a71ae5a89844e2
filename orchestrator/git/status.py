"""What ``git status`` says, as a value.

One command tells the branch, the head and everything uncommitted. Parsing is pure; the format
is porcelain v2 with NUL separators, in which paths are exact.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

STATUS = (
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=all",
    "--ignore-submodules=all",
    "--no-renames",
)


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a work tree.

    ``head`` is "" on an unborn branch, ``branch`` "" when HEAD is detached. ``changed`` holds all
    tracked paths that differ from HEAD; of these, ``unstaged`` differ from the index and
    ``unmerged`` are in conflict. An untracked path that ends in "/" is a repository of its own.
    """

    head: str = ""
    branch: str = ""
    changed: tuple[str, ...] = ()
    unstaged: tuple[str, ...] = ()
    unmerged: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.changed and not self.untracked


@dataclass(slots=True)
class _Found:
    headers: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    unstaged: list[str] = field(default_factory=list)
    unmerged: list[str] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)


# How many words stand before the path.
_WORDS_BEFORE_PATH = {"1": 8, "u": 10, "?": 1}


def read_status(raw: bytes) -> Status:
    """The status in the output of ``STATUS``."""
    found = _Found()
    for record in os.fsdecode(raw).split("\0"):
        _read_record(record, found)
    oid, branch = found.headers.get("branch.oid", ""), found.headers.get("branch.head", "")
    return Status(
        head="" if oid == "(initial)" else oid,
        branch="" if branch == "(detached)" else branch,
        changed=tuple(found.changed),
        unstaged=tuple(found.unstaged),
        unmerged=tuple(found.unmerged),
        untracked=tuple(found.untracked),
    )


def _read_record(record: str, found: _Found) -> None:
    kind = record[:1]
    if kind == "#":
        key, _, value = record[2:].partition(" ")
        found.headers[key] = value
    elif kind in _WORDS_BEFORE_PATH:
        path = record.split(" ", _WORDS_BEFORE_PATH[kind])[-1]
        (found.untracked if kind == "?" else found.changed).append(path)
        if kind == "u":
            found.unmerged.append(path)
        if kind != "?" and record[3] != ".":
            found.unstaged.append(path)

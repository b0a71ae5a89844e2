"""The programs that command lines name, as they are installed now.

A cheap look that proves no more than it says: for every word of a line that is a program on the
search path, where it leads, its size, time and inode, and when the packages beside it changed. A
word that happens to be a program counts, too; that costs a run at most. What a program starts by
itself is not seen.
"""

from __future__ import annotations

import os
import platform
import re
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BETWEEN_WORDS = re.compile(r"[\s;&|()<>{}`'\"$=,]+")
_MOST_WORDS = 400
_SHELL = "sh"
_BINARIES = frozenset({"bin", "sbin", "shims"})
_PACKAGES = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/node_modules")


def tool_marks(lines: Iterable[str], path: str) -> dict[str, str]:
    """A mark for each program that ``lines`` name, and for the packages beside them."""
    named = programs({_SHELL, *words(lines)}, path)
    marks = {word: mark for word, found in named.items() if (mark := _mark(found))}
    for folder in {folder for found in named.values() for folder in packages_of(found)}:
        marks[str(folder)] = _changed_at(folder)
    return marks


@cache
def machine_mark() -> tuple[str, ...]:
    """The kind of machine and of system: never their name or what they run."""
    machine = os.uname()
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return (machine.sysname, machine.machine, release.get("ID", ""), release.get("VERSION_ID", ""))


def words(lines: Iterable[str]) -> list[str]:
    """What may be a program, a path or an option in command lines."""
    found = dict.fromkeys(word for line in lines for word in _BETWEEN_WORDS.split(line) if word)
    return list(found)[:_MOST_WORDS]


def programs(named: set[str], path: str) -> dict[str, Path]:
    """Those of the words that are programs on the search path, and where they lie."""
    folders = [Path(folder) for folder in dict.fromkeys(path.split(":")) if folder.startswith("/")]
    found = {word: _program(word, folders) for word in named if not word.startswith("-")}
    return {word: place for word, place in found.items() if place is not None}


def _program(word: str, folders: list[Path]) -> Path | None:
    """Where the program of that name lies; a relative path is the tree's own, and in its key."""
    if word.startswith("/"):
        return Path(word) if _is_program(word) else None
    if "/" in word:
        return None
    places = (folder / word for folder in folders)
    return next((place for place in places if _is_program(place)), None)


def _is_program(place: Path | str) -> bool:
    try:
        found = os.stat(place)  # noqa: PTH116 - words are tried by the hundred
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o111)


def _mark(program: Path) -> str:
    try:
        real = program.resolve()
        found = real.stat()
    except OSError:
        return ""
    return f"{real}:{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def packages_of(program: Path) -> Iterator[Path]:
    """The packages beside a program, in the installations it is named in and resolves to."""
    for place in {program, program.resolve()}:
        if place.parent.name in _BINARIES:
            for pattern in _PACKAGES:
                yield from place.parent.parent.glob(pattern)


def _changed_at(folder: Path) -> str:
    try:
        return str(folder.stat().st_mtime_ns)
    except OSError:
        return ""

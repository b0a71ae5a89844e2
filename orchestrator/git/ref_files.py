"""The refs as they lie on disk, read without a process: to see where they stand, or to copy them.

Files and lines of ``packed-refs`` are read again only when their times changed. A file that is no
ref is told as such, so that it cannot hide one; nothing is opened but regular files, a few bytes
of each. No ref is moved by what is read here: that goes by git's own word.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

OWN_REFS = ("refs/heads/clerk", "refs/clerk")
"""Where jobs work, so that what moves there tells nothing."""

UNREADABLE = "something that is no ref"
_BYTES = 4096
_DEEPEST_POINTER = 5
"""As many as git follows."""

_STRANGE = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|//")
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_Signature = tuple[int, ...]


class RefFiles:
    """Where the refs of one repository stand, but those of the engine's own."""

    def __init__(self, common_dir: Path) -> None:
        self._top = str(common_dir)
        self._packed: tuple[_Signature | None, dict[str, str]] = (None, {})
        self._loose: dict[str, tuple[_Signature, str]] = {}

    def read(self) -> dict[str, str]:
        """The oid of every ref by its name; ``ref:NAME`` for one that points at another."""
        loose = dict(self._walked(f"{self._top}/refs"))
        self._loose = loose
        start = len(self._top) + 1
        return self._listed() | {path[start:]: value for path, (_, value) in loose.items()}

    def commits(self, kinds: Collection[str]) -> dict[str, str]:
        """The oids of those refs below ``kinds`` that git would take for refs, pointers followed."""
        found = self.read()
        named = (name for name in found if name.startswith(tuple(kinds)) and _is_plain(name))
        oids = {name: _followed(found, name) for name in named}
        return {name: oid for name, oid in oids.items() if oid}

    def _walked(self, folder: str) -> Iterator[tuple[str, tuple[_Signature, str]]]:
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.path.endswith(tuple(f"/{own}" for own in OWN_REFS)):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walked(entry.path)
            elif not entry.name.endswith(".lock") and (known := self._file(entry)):
                yield entry.path, known

    def _file(self, entry: os.DirEntry[str]) -> tuple[_Signature, str] | None:
        try:
            found = entry.stat(follow_symlinks=False)
            signature = _signature(found)
            known = self._loose.get(entry.path)
            if known is not None and known[0] == signature:
                return known
            return signature, _value(entry.path, found)
        except FileNotFoundError:
            return None

    def _listed(self) -> dict[str, str]:
        path = f"{self._top}/packed-refs"
        try:
            signature = _signature(os.lstat(path))
            if self._packed[0] != signature:
                self._packed = (signature, dict(_packed(path)))
        except (FileNotFoundError, NotADirectoryError):
            self._packed = (None, {})
        return self._packed[1]


def oid_in(common_dir: Path, ref: str) -> str:
    """The oid in the file of a ref; "" where it has none, or points at another. Never waits."""
    if not ref.startswith("refs/"):
        return ""
    try:
        handle = os.open(f"{common_dir}/{ref}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        text = os.fsdecode(os.read(handle, _BYTES)).strip()
    except OSError:
        return ""
    finally:
        os.close(handle)
    return text if _OID.fullmatch(text) else ""


def _followed(refs: Mapping[str, str], name: str) -> str:
    for _ in range(_DEEPEST_POINTER):
        value = refs.get(name, "")
        if not value.startswith("ref:"):
            return "" if value == UNREADABLE else value
        name = value.removeprefix("ref:")
    return ""


def _is_plain(name: str) -> bool:
    """Less than git lets pass, so that whatever goes on as a line of text is one."""
    return not (
        _STRANGE.search(name)
        or ".." in name
        or "@{" in name
        or any(part.startswith(".") or part.endswith((".", ".lock")) for part in name.split("/"))
    )


def _value(path: str, found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return f"ref:{os.readlink(path)}"  # noqa: PTH115 - read for every ref there is
    if not stat.S_ISREG(found.st_mode):
        return UNREADABLE
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        text = os.fsdecode(file.read(_BYTES)).strip()
    if text.startswith("ref:"):
        return f"ref:{text[4:].strip()}"
    return text if _OID.fullmatch(text) else UNREADABLE


def _packed(path: str) -> Iterator[tuple[str, str]]:
    """The lines that name a ref; of the others one heads the file, and some peel a tag."""
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        for line in file:
            oid, _, name = os.fsdecode(line.rstrip(b"\n")).partition(" ")
            if _OID.fullmatch(oid) and not name.startswith(tuple(f"{own}/" for own in OWN_REFS)):
                yield name, oid


def _signature(found: os.stat_result) -> _Signature:
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

"""What an unsandboxed session or check may have changed in the repository itself.

Without a sandbox a session can write hooks, configuration and refs of everybody. The engine's own
git is deaf to them, a person's is not: so before such a job the repository is looked at, and
afterwards again. What makes git run or read something else is *tampered*, and nothing lands until
a person has put it back or accepted it; a ref that neither the engine nor its jobs' own branches
account for has *moved*, which a person may have done too, and is only told.

A look reads file times first, and a file's content only when those changed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.errors import GitError
from orchestrator.git.linked import entries_in
from orchestrator.git.ref_files import UNREADABLE, RefFiles
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.git.command import Git
    from orchestrator.git.refs import Refs

_FILES = ("commondir", "config", "config.worktree", "objects/info/alternates")
_FOLDERS = ("hooks", "info")
_HARMLESS = frozenset({"info/refs"})
"""Written by git's own housekeeping, and read by nobody here."""

_HARMLESS_KEYS = ("branch.", "user.")
"""Settings that agents write in good faith and that make git run nothing."""

_ADMIN = "worktrees/"
_COMMON = (b"", b"../..")
"""Git itself writes it in two steps."""
_SHOWN = 80

_Signature = tuple[int, ...]
Settings = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a look found: content by file name, and where the refs stood."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """A sentence for each thing that is no longer as it was."""

    tampered: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


class Tripwire:
    """Watches one repository while jobs run; ``home`` is where the engine's worktrees lie."""

    def __init__(self, git: Git, refs: Refs, home: Path) -> None:
        self._git = git
        self._refs = refs
        self._home = os.fsencode(home)
        self._contents: dict[str, tuple[_Signature, bytes]] = {}
        self._ref_files = RefFiles(git.common_dir)
        self._watches: dict[str, Fingerprint] = {}
        self._cases: dict[str, list[Fingerprint]] = {}

    async def begin(self, job: str) -> None:
        """Remember what is there before ``job`` (a name for it) starts."""
        self._watches[job] = self.look()

    async def end(self, job: str, *, of: str) -> Changes:
        """What changed while ``job`` ran; tampering is a case against the task ``of`` from now on."""
        before = self._watches.pop(job)
        changes = await self.compare(before, self.look())
        if changes.tampered:
            self._cases.setdefault(of, []).append(before)
        return changes

    async def standing(self) -> tuple[str, ...]:
        """What is tampered with now, by jobs that run or in cases that nobody has settled.

        A case is settled once everything is as it was, or by ``accept``.
        """
        if not self._watches and not self._cases:
            return ()
        now, found = self.look(), list[str]()
        for of, befores in list(self._cases.items()):
            told = [(await self.compare(before, now)).tampered for before in befores]
            self._cases[of] = [one for one, tampered in zip(befores, told, strict=True) if tampered]
            found += [sentence for tampered in told for sentence in tampered]
            if not self._cases[of]:
                del self._cases[of]
        for before in list(self._watches.values()):
            found += (await self.compare(before, now)).tampered
        return tuple(dict.fromkeys(found))

    def accept(self, of: str) -> None:
        """A person took the changes of the task ``of`` for good."""
        self._cases.pop(of, None)

    def look(self) -> Fingerprint:
        """The repository as it is."""
        names = [*_FILES, *_listed(self._git.common_dir)]
        found = {name: content for name in names if (content := self._read(name)) is not None}
        return Fingerprint(found, self._ref_files.read())

    async def compare(self, before: Fingerprint, now: Fingerprint) -> Changes:
        """What differs, in sentences that name the file and the mend."""
        told: list[str] = []
        notes: list[str] = []
        for name in sorted(before.files.keys() | now.files.keys()):
            old, new = before.files.get(name), now.files.get(name)
            if old == new or self._is_usual(name, old, new):
                continue
            if name == "config" and old is not None and new is not None:
                harmful, harmless = await self._settings_changed(old, new)
                told += harmful
                notes += harmless
            else:
                told.append(_file_changed(name, old, new))
        moved = refs_moved(before.refs, now.refs, self._refs.own_moves)
        return Changes(tuple(told), (*notes, *moved))

    def _is_usual(self, name: str, old: bytes | None, new: bytes | None) -> bool:
        """What worktrees come and go with, and what the engine itself puts right."""
        if not name.startswith(_ADMIN):
            return False
        kind = name.rpartition("/")[2]
        if new is None or (kind == "commondir" and new.strip() in _COMMON):
            return True
        return kind == "gitdir" and (not old or old.startswith(self._home + b"/"))

    async def _settings_changed(self, old: bytes, new: bytes) -> tuple[list[str], list[str]]:
        try:
            before, now = await self._settings(old), await self._settings(new)
        except GitError:
            return ["the repository's config cannot be read any more; put it back"], []
        harmful: list[str] = []
        harmless: list[str] = []
        for key, sentence in setting_sentences(before, now):
            (harmless if key.startswith(_HARMLESS_KEYS) else harmful).append(sentence)
        return harmful, harmless

    async def _settings(self, config: bytes) -> Settings:
        answer = await self._git.run("config", "--file=-", "-z", "--list", input=config or b"\n")
        pairs = (pair.partition("\n") for pair in answer.fields)
        return frozenset((key, value) for key, _, value in pairs)

    def _read(self, name: str) -> bytes | None:
        """A file's content by its name; of a link, where it points; None when it is not there."""
        path = f"{self._git.common_dir}/{name}"
        try:
            found = os.lstat(path)
            signature = _signature(found)
            known = self._contents.get(name)
            if known is not None and known[0] == signature:
                return known[1]
            content = _content(path, found)
        except (FileNotFoundError, NotADirectoryError):
            self._contents.pop(name, None)
            return None
        self._contents[name] = (signature, content)
        return content


def refs_moved(
    before: Mapping[str, str], now: Mapping[str, str], own: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    """A sentence for each ref that is not where it was; ``own`` are the engine's moves."""
    for ref in sorted(before.keys() | now.keys()):
        old, new = before.get(ref, ""), now.get(ref, "")
        while old != new and (ref, old) in own and own[ref, old] != old:
            old = own[ref, old]
        if old != new:
            name = safe_text(ref, one_line=True, limit=_SHOWN)
            yield f"{name} moved from {_place(old)} to {_place(new)}"


def setting_sentences(before: Settings, now: Settings) -> Iterator[tuple[str, str]]:
    """Key and sentence for each setting that came, went or has another value."""
    changed = sorted((now - before) | (before - now))
    for key in dict.fromkeys(key for key, _ in changed):
        values = [value for name, value in changed if name == key and (name, value) in now]
        shown = safe_text(key, one_line=True, limit=_SHOWN)
        if values:
            value = safe_text(values[-1], one_line=True, limit=_SHOWN)
            yield (
                key,
                f"config sets {shown} to '{value}'; put it back, or: git config --unset {shown}",
            )
        else:
            yield key, f"config no longer sets {shown}; put it back"


def _file_changed(name: str, old: bytes | None, new: bytes | None) -> str:
    shown = safe_text(name, one_line=True, limit=_SHOWN)
    if new is None:
        return f".git/{shown} is gone; put it back"
    if old is None:
        return f".git/{shown} was added; remove it"
    return f".git/{shown} was changed; put it back"


def _place(value: str) -> str:
    if value.startswith("ref:"):
        return f"a pointer at {safe_text(value[4:], one_line=True, limit=_SHOWN)}"
    return (value if value == UNREADABLE else value[:12]) or "nothing"


def _listed(common_dir: Path) -> Iterator[str]:
    """The names of watched files in folders."""
    for folder in _FOLDERS:
        top = f"{common_dir}/{folder}"
        if os.path.islink(top):  # noqa: PTH114 - looked at before and after every job
            yield folder
        for where, _, files in os.walk(top):
            for file in files:
                name = f"{where}/{file}".removeprefix(f"{common_dir}/")
                if name not in _HARMLESS and not name.endswith(".sample"):
                    yield name
    for entry in entries_in(common_dir):
        for kind in ("commondir", "config.worktree", "gitdir"):
            yield f"{_ADMIN}{entry.rpartition('/')[2]}/{kind}"


def _content(path: str, found: os.stat_result) -> bytes:
    """What there is to compare: a program by its digest and its mode, the rest as it is."""
    if stat.S_ISLNK(found.st_mode):
        return b"-> " + os.fsencode(os.readlink(path))  # noqa: PTH115 - as above
    if not stat.S_ISREG(found.st_mode):
        return b"no file"
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        if "/hooks/" in path:
            return b"%o " % found.st_mode + hashlib.file_digest(file, "sha256").digest()
        return file.read()


def _signature(found: os.stat_result) -> _Signature:
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

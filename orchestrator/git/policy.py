"""What a session's work must not bring in, though git itself would take it.

``fsck`` refuses trees that attack git; these rules refuse trees that attack whoever checks them
out: links that lead out of the tree, repositories that come as bare links, names that cannot be
seen, told apart or written down. They are pure, over what a tip brings beyond its base: what was
so on the base is nobody's new fault. A path is exact text (``os.fsdecode``), and its findings
are to be shown through ``safe_text`` only, as ``Finding.sentence`` does.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.git.tree_links import leads_out
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from orchestrator.git.command import Git
    from orchestrator.git.objects import Child, Objects

MAX_BLOB_BYTES = 100 * 1024 * 1024
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095
ASKED_ONE_BY_ONE = 64
"""Up to so many sizes are cheaper to ask of the reader than of a process."""

_NO_ENTRY, _LINK, _REPOSITORY, _FOLDER = "000000", "120000", "160000", "40000"
_GITS_OWN = frozenset({".gitattributes", ".gitignore", ".gitmodules", ".mailmap"})
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE | re.DOTALL)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*\\]|[. ]$')
_SHOWN_BYTES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One path that differs between base and tip; a mode of ``000000`` says "not there"."""

    path: str
    mode: str
    oid: str
    old_mode: str = _NO_ENTRY

    @property
    def is_there(self) -> bool:
        return self.mode != _NO_ENTRY

    @property
    def is_new(self) -> bool:
        return self.is_there and self.old_mode == _NO_ENTRY

    @property
    def is_blob(self) -> bool:
        return self.is_there and self.mode != _REPOSITORY


@dataclass(frozen=True, slots=True)
class Finding:
    """A path, and in words that follow it what is wrong with it."""

    path: str
    reason: str

    @property
    def sentence(self) -> str:
        return f"'{safe_text(self.path, one_line=True, limit=_SHOWN_BYTES)}' {self.reason}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What keeps the work out, and what the architect should know of it."""

    refusals: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.refusals or self.warnings)


async def scan(
    git: Git,
    base: str,
    tip: str,
    *,
    max_blob_bytes: int = MAX_BLOB_BYTES,
    env: Mapping[str, str] | None = None,
    brought: Sequence[Entry] | None = None,
    objects: Objects | None = None,
) -> Findings:
    """What ``tip`` brings beyond ``base`` against the rules; both are full oids of commits.

    Two commands, five at most; ``env`` is laid over git's, to read objects from a quarantine. Who
    knows what differs hands it in as ``brought``; ``objects`` spares a command where the
    repository itself is read.
    """
    look = _Look(git, dict(env or {}), objects)
    if brought is None:
        brought = await look.difference(base, tip)
    refusals = [finding for entry in brought if (finding := refused_entry(entry))]
    refusals += too_big(await look.sizes(brought), brought, max_blob_bytes)
    if added := [entry.path for entry in brought if entry.is_new]:
        refusals += twins(added, await look.beside(tip, added))
    if any(_LINK in (entry.mode, entry.old_mode) for entry in brought):
        refusals += new_ways_out(await look.links(base), await look.links(tip), brought)
    warnings = [finding for entry in brought if (finding := warned_entry(entry))]
    return Findings(tuple(dict.fromkeys(refusals)), tuple(warnings))


def refused_entry(entry: Entry) -> Finding | None:
    """What one entry shows of itself."""
    reason = ""
    if not entry.is_there:
        return None
    if entry.mode == _REPOSITORY and entry.old_mode != _REPOSITORY:
        reason = "is a repository of its own, so its files would not come along"
    elif entry.mode == _LINK and _name(entry).casefold() in _GITS_OWN:
        reason = "is a symbolic link, which git must not read its rules through"
    elif entry.is_new:
        reason = _bad_name(entry.path)
    return Finding(entry.path, reason) if reason else None


def _bad_name(path: str) -> str:
    if _UNSEEN.search(path):
        return "has control characters in its name"
    if any(len(os.fsencode(name)) > MAX_NAME_BYTES for name in path.split("/")):
        return f"has a name of more than {MAX_NAME_BYTES} bytes, which no file system holds"
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        return f"has a path of more than {MAX_PATH_BYTES} bytes, which no system call takes"
    return ""


def warned_entry(entry: Entry) -> Finding | None:
    """What is well here and hurts elsewhere."""
    if entry.mode == _REPOSITORY and entry.old_mode == _REPOSITORY:
        return Finding(entry.path, "is a submodule that now stands on another commit")
    if not entry.is_new or _bad_name(entry.path):
        return None
    names = entry.path.split("/")
    if any(_RESERVED.fullmatch(name) or _NOT_ON_WINDOWS.search(name) for name in names):
        return Finding(entry.path, "cannot be checked out on Windows")
    if safe_text(entry.path) != entry.path:
        return Finding(entry.path, "has characters in its name that cannot be seen, or no text")
    return None


def too_big(sizes: Mapping[str, int], brought: Iterable[Entry], limit: int) -> Iterator[Finding]:
    """Files above the bound; ``sizes`` by oid."""
    for entry in brought:
        size = sizes.get(entry.oid, 0) if entry.is_blob else 0
        if size > limit:
            yield Finding(entry.path, f"has {size} bytes, more than the {limit} allowed")


def twins(added: Iterable[str], present: Iterable[str]) -> Iterator[Finding]:
    """New paths that a file system which folds case or accents cannot tell from another.

    ``present`` are all files of the tip. Folders count: of twins the topmost are told.
    """
    news = frozenset(added)
    old = _with_folders(path for path in present if path not in news)
    new = _with_folders(news) - old
    wanted = {fold(path) for path in new}
    met: dict[str, str] = {}
    told: set[str] = set()
    for path in (*sorted(old), *sorted(new)):
        if (folded := fold(path)) not in wanted:
            continue
        other, is_below = met.setdefault(folded, path), folded.rpartition("/")[0] in told
        if other != path and not is_below:
            shown = safe_text(other, one_line=True, limit=_SHOWN_BYTES)
            yield Finding(path, f"and '{shown}' are one file where case or accents do not count")
        if other != path or is_below:
            told.add(folded)


def beside(
    added: Iterable[str], tree: str, children: Callable[[str], Sequence[Child] | None]
) -> tuple[str, ...] | None:
    """Whatever could be a new path's twin: all that is in the folders it lies in, or in their twins.

    Names of a folder that none of them lies in stand for all that is below. ``children`` tells what
    a tree holds, None where it cannot; then, and where there is much to be read, nothing is said.
    """
    wanted = {fold(folder) for path in added for folder in _with_folders((path,)) - {path}}
    found: list[str] = []
    waiting = [("", tree)]
    for _ in range(ASKED_ONE_BY_ONE):
        if not waiting:
            return tuple(found)
        within, oid = waiting.pop()
        listed = children(oid)
        if listed is None:
            return None
        for mode, name, child in listed:
            path = f"{within}{name}"
            if mode == _FOLDER and fold(path) in wanted:
                waiting.append((f"{path}/", child))
            else:
                found.append(path)
    return None


def fold(path: str) -> str:
    """What a path comes down to where neither case nor the spelling of accents counts."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def _with_folders(paths: Iterable[str]) -> set[str]:
    """The paths, and every folder above them."""
    found: set[str] = set()
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]  # noqa: PLW2901 - upwards, until somebody was there
    return found


def new_ways_out(
    before: Mapping[str, str], after: Mapping[str, str], brought: Iterable[Entry]
) -> Iterator[Finding]:
    """Links of the tip that lead out of the tree and did not, or were not there, on the base.

    All of the tip's links are followed, since one that is new can turn an old one outwards.
    """
    changed = {entry.path for entry in brought}
    for path, target in after.items():
        if not leads_out(path, after):
            continue
        if path in changed or not leads_out(path, before):
            shown = safe_text(target, one_line=True, limit=_SHOWN_BYTES)
            yield Finding(path, f"is a symbolic link that leads out of the tree, to '{shown}'")


def read_raw(fields: Sequence[str]) -> tuple[Entry, ...]:
    """The entries in the output of ``diff-tree -r -z --raw --no-renames``."""
    entries = []
    for told, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, mode, _, oid, _ = told.removeprefix(":").split(" ")
        entries.append(Entry(path, mode, oid, old_mode))
    return tuple(entries)


def _name(entry: Entry) -> str:
    return entry.path.rpartition("/")[2]


class _Look:
    """The commands behind a scan; each tree is listed once."""

    def __init__(self, git: Git, env: dict[str, str], objects: Objects | None) -> None:
        self._git = git
        self._env = env
        self._objects = objects
        self._listings: dict[str, tuple[tuple[str, str, str], ...]] = {}

    async def difference(self, base: str, tip: str) -> tuple[Entry, ...]:
        answer = await self._git.run(
            *("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"),
            *("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", base, tip),
            env=self._env,
        )
        return read_raw(answer.fields)

    async def sizes(self, entries: Iterable[Entry]) -> dict[str, int]:
        wanted = dict.fromkeys(entry.oid for entry in entries if entry.is_blob)
        if not wanted:
            return {}
        if self._objects and len(wanted) <= ASKED_ONE_BY_ONE:
            told = {oid: self._objects.size_of(oid) for oid in wanted}
            known = {oid: size for oid, size in told.items() if size is not None}
            if len(known) == len(wanted):
                return known
        answer = await self._git.run(
            "cat-file",
            "--batch-check=%(objectname) %(objectsize)",
            input="".join(f"{oid}\n" for oid in wanted).encode(),
            env=self._env,
        )
        rows = (line.split(" ") for line in answer.text.splitlines())
        return {oid: int(size) for oid, size in rows if size != "missing"}

    async def beside(self, commit: str, added: Sequence[str]) -> tuple[str, ...]:
        """What could be the twin of a new path, or else every path of the commit."""
        if self._objects and not self._env:
            tree = await self._objects.tree_of(commit)
            if (found := beside(added, tree, self._objects.children_of)) is not None:
                return found
        return tuple(path for _, _, path in await self._listing(commit))

    async def links(self, commit: str) -> dict[str, str]:
        """Every symbolic link of a commit with where it points."""
        found = [(path, oid) for mode, oid, path in await self._listing(commit) if mode == _LINK]
        if not found:
            return {}
        answer = await self._git.run(
            "cat-file",
            "--batch=%(objectsize)",
            input="".join(f"{oid}\n" for _, oid in found).encode(),
            env=self._env,
        )
        targets = read_batch(answer.stdout)
        return {path: target for (path, _), target in zip(found, targets, strict=True)}

    async def _listing(self, commit: str) -> tuple[tuple[str, str, str], ...]:
        if commit not in self._listings:
            answer = await self._git.run(
                "ls-tree", "-r", "-z", "--full-tree", commit, env=self._env
            )
            self._listings[commit] = tuple(map(_listed, answer.fields))
        return self._listings[commit]


def _listed(field: str) -> tuple[str, str, str]:
    told, _, path = field.partition("\t")
    mode, _, oid = told.split(" ")
    return mode, oid, path


def read_batch(raw: bytes) -> Iterator[str]:
    """The contents in the output of ``cat-file --batch=%(objectsize)``, in order."""
    at = 0
    while at < len(raw):
        line = raw.index(b"\n", at)
        end = line + 1 + int(raw[at:line])
        yield os.fsdecode(raw[line + 1 : end])
        at = end + 1

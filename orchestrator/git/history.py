"""What commits and the ways between them hold, as values.

Read-only. Paths are exact (NUL-separated, no renames guessed), and no diff driver, text
conversion or submodule's content is ever consulted, so an answer depends on the commits alone.
Revisions are full oids.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.git.policy import read_raw

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from orchestrator.git.command import Git
    from orchestrator.git.objects import Objects
    from orchestrator.git.policy import Entry

# "dirty", not "all": between trees no submodule is entered, and a changed gitlink must be seen.
_PLAIN = ("--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")

_PATHS_KEPT = 20_000
"""In so many changed paths the looks are remembered: a task's change is asked for until it lands."""

RENAME_LIMIT = 7000
"""As many files a merge looks at for renames, too."""
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class DiffStat:
    """The size of a change; lines of binary files count as none."""

    files: int = 0
    insertions: int = 0
    deletions: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    """All that one look at a change tells."""

    stat: DiffStat
    paths: tuple[str, ...]
    entries: tuple[Entry, ...] = ()


class History:
    """Questions about the commits of one repository. All raise GitError for unknown oids."""

    def __init__(self, git: Git, objects: Objects | None = None) -> None:
        self._git = git
        self._objects = objects
        self._looks: dict[tuple[str, str], _Look] = {}
        self._ahead: dict[tuple[str, str], _Look] = {}
        self._room = _PATHS_KEPT

    async def is_ancestor(self, ancestor: str, of: str) -> bool:
        """Whether ``of`` holds all of ``ancestor``; a commit is an ancestor of itself.

        A parent is told by the reader alone, which is what is mostly asked for.
        """
        if ancestor == of:
            return True
        if self._objects and ancestor in (await self._objects.commit(of)).parents:
            return True
        answer = await self._git.run("merge-base", "--is-ancestor", ancestor, of, ok=(0, 1))
        return answer.code == 0

    async def outside(self, commits: Collection[str], of: str) -> frozenset[str]:
        """Those of ``commits``, of which there are some, that ``of`` does not hold."""
        asked = "".join(f"{commit}\n" for commit in (*commits, f"^{of}"))
        told = await self._git.run("rev-list", "--stdin", input=asked.encode())
        return frozenset(commits).intersection(told.text.split())

    async def look_ahead(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Look at many changes (base, head) by one command; each answer then waits to be asked for.

        A pair that git does not know is left to be asked for by itself.
        """
        wanted = tuple(pairs)
        answer = await self._git.run(
            *("diff-tree", "--stdin", "--always", "-r", "-z", "--numstat", *_PLAIN),
            input="".join(f"{head} {base}\n" for base, head in wanted).encode(),
            ok=(0, 128),
        )
        told = deque(_by_commit(answer.fields))
        for base, head in wanted:
            if told and told[0][0] == head:  # git passes over what it does not know
                self._ahead[base, head] = _read_look(told.popleft()[1])

    async def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, None for unrelated histories."""
        found = await self._git.run("merge-base", one, other, ok=(0, 1))
        return found.text if found.code == 0 else None

    async def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """Every best common ancestor: several where each has taken in the other before."""
        found = await self._git.run("merge-base", "--all", one, other, ok=(0, 1))
        return tuple(found.text.split())

    async def common_base(self, commits: Collection[str]) -> str:
        """The newest commit that is an ancestor of them all; empty for unrelated ones."""
        if len(commits) == 1:
            return next(iter(commits))
        found = await self._git.run("merge-base", "--octopus", *sorted(commits), ok=(0, 1))
        return found.text

    async def paths(self, base: str, head: str) -> frozenset[str]:
        """Just the paths that differ, which asks for no file's content."""
        if known := self._looks.get((base, head)):
            return frozenset(known.paths)
        told = await self._git.run("diff-tree", "-r", "-z", "--name-only", *_PLAIN, base, head)
        return frozenset(told.fields)

    async def renames(self, base: str, head: str) -> dict[str, str]:
        """What git takes for renamed between two commits: the new path to the old one."""
        told = await self._git.run(
            *("diff-tree", "-r", "-z", "-M", f"-l{RENAME_LIMIT}", "--diff-filter=R"),
            *("--name-status", *_PLAIN[1:], base, head),
        )
        fields = told.fields
        return dict(zip(fields[2::3], fields[1::3], strict=True))

    async def changes(self, base: str, head: str) -> tuple[DiffStat, tuple[str, ...]]:
        """The size of a change and the paths it touches, in one look."""
        look = await self._look(base, head)
        return look.stat, look.paths

    async def entries(self, base: str, head: str) -> tuple[Entry, ...]:
        """What differs, path by path."""
        self._ahead.pop((base, head), None)  # which tells no entries
        return (await self._look(base, head)).entries

    async def _look(self, base: str, head: str) -> _Look:
        """What changed from ``base`` to ``head``; asked twice in a row, git is asked once."""
        known = self._ahead.pop((base, head), None) or self._looks.get((base, head))
        if known is None:
            answer = await self._git.run(
                *("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--numstat", *_PLAIN, base, head)
            )
            known = _read_both(answer.fields)
            self._remember(base, head, known)
        return known

    def _remember(self, base: str, head: str, look: _Look) -> None:
        self._room -= 1 + len(look.paths)
        if self._room < 0:
            self._looks.clear()
            self._room = _PATHS_KEPT
        self._looks[base, head] = look

    async def diff_text(self, base: str, head: str, max_bytes: int) -> str:
        """The change as a patch, at most ``max_bytes`` of it, with a line that tells of a cut."""
        patch = await self._git.run("diff-tree", "-r", "-p", "--no-color", *_PLAIN, base, head)
        return clip(patch.stdout, max_bytes)

    async def tracked_files(self, commit: str) -> tuple[str, ...]:
        listing = await self._git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return listing.fields

    async def subjects(self, base: str, head: str) -> tuple[str, ...]:
        """First lines of the messages of ``base..head``, the newest first."""
        log = await self._git.run(
            "log", "--format=%s", "-z", "--no-show-signature", f"{base}..{head}", "--"
        )
        return log.fields

    async def file_at(self, commit: str, path: str) -> bytes | None:
        """The content of ``path`` in ``commit``; None when it is not a file there."""
        blob = await self._git.run("cat-file", "blob", f"{commit}:{path}", ok=(0, 128))
        return blob.stdout if blob.code == 0 else None


def _by_commit(fields: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """The output of ``diff-tree --stdin -z`` for one commit after the other, with its id."""
    starts = [at for at, field in enumerate(fields) if _OID.fullmatch(field)]
    for start, end in pairwise((*starts, len(fields))):
        yield fields[start], fields[start + 1 : end]


def _read_both(fields: Sequence[str]) -> _Look:
    """The output of ``diff-tree --raw --numstat -z``: all entries, then all counts."""
    at = 0
    while at < len(fields) and fields[at].startswith(":"):
        at += 2
    return replace(_read_look(fields[at:]), entries=read_raw(fields[:at]))


def _read_look(fields: Sequence[str]) -> _Look:
    """The output of ``diff-tree --numstat -z``."""
    rows = [field.split("\t", 2) for field in fields]
    stat = DiffStat(
        files=len(rows),
        insertions=sum(int(added) for added, _, _ in rows if added != "-"),
        deletions=sum(int(deleted) for _, deleted, _ in rows if deleted != "-"),
    )
    return _Look(stat, tuple(path for _, _, path in rows))


def clip(raw: bytes, max_bytes: int) -> str:
    """``raw`` as text of at most ``max_bytes``, cut at a line's end with a line that says so."""
    if len(raw) <= max_bytes:
        return raw.decode("utf-8", "replace")
    note = f"[… cut: {len(raw)} bytes in all …]\n"
    room = raw[: max(0, max_bytes - len(note.encode()))]
    kept = room[: room.rfind(b"\n") + 1].decode("utf-8", "ignore")
    return kept + note

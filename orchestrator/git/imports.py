"""Objects from a sandbox, let into the repository only after they were looked at.

A session wrote its objects where it could do as it liked, so nothing of them is believed: a pack
of them is unpacked into a quarantine under git's strict check, must be complete together with
what the repository had, and is held against ``policy``. Only then do its files move, the index
last, since git looks for no pack without one. What is refused, or torn apart by a crash, leaves
nothing but a quarantine folder, which goes at once or with the next ``repair``.

No ref is set here: that is ``Refs``' affair, once this has said yes. Until then no gc may take the
pack for garbage, so a ``.keep`` file stands beside it from before it is there until ``release``.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from orchestrator.crash_points import crash_point
from orchestrator.errors import GitError
from orchestrator.git.environment import DURABLE
from orchestrator.git.linked import delete_trees
from orchestrator.git.policy import MAX_BLOB_BYTES, Findings, scan
from orchestrator.safe_text import safe_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from orchestrator.git.command import Git, Output

QUARANTINE = "clerk-incoming-"
"""How quarantine folders in the object folder begin; git itself passes them over."""

MAX_PACK_BYTES = 1024 * 1024 * 1024
PATIENCE_SECONDS = 600.0

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_PACK = re.compile(r"keep\t([0-9a-f]{40,64})")
_GUARD = "clerk imports it"
"""What our own ``.keep`` files say."""

_SUFFIXES = (".keep", ".pack", ".rev", ".idx")
"""In the order they move: a pack is there for git once its index is."""

_OURS = tuple(
    os.strerror(code)
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE)
)
"""What a disk says; an agent's pack makes git say other things."""

_NAMED_BLOBS = 3


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a pack.

    ``refused`` says in a sentence why nothing of it came in ("" when it did); ``warnings`` are a
    sentence each about what came in all the same. ``pack`` is kept from gc until ``release``.
    """

    refused: str = ""
    warnings: tuple[str, ...] = ()
    pack: str = field(default="", compare=False)


class _Refused(Exception):
    """Why a pack stays outside."""


class Imports:
    """Takes packs into one repository."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._objects = git.common_dir / "objects"

    async def take(
        self,
        pack: Path,
        tips: Sequence[str],
        base: str,
        *,
        max_bytes: int = MAX_PACK_BYTES,
        max_blob_bytes: int = MAX_BLOB_BYTES,
    ) -> Imported:
        """Let in the objects of the file ``pack`` that ``tips`` need beyond the commit ``base``.

        The pack may be thin; an empty one will do where nothing is missing. Refuses, and leaves
        no trace, what git's strict check, a missing object or the policy speaks against.
        Raises GitError when the repository cannot take anything in (a full disk, say).
        """
        for tip in tips:
            if not _OID.fullmatch(tip):
                return Imported(f"{safe_text(tip, one_line=True, limit=80)!r} is no commit's id")
        async with self._quarantine() as place:
            try:
                name = await self._unpack(place, pack, max_bytes)
                await self._require_complete(place, tips, base, max_blob_bytes)
                findings = await self._judge(place, tips, base, max_blob_bytes)
            except _Refused as refused:
                return Imported(str(refused))
            crash_point("import.quarantined")
            self._move_in(place, name)
            crash_point("import.moved-in")
        return Imported(
            warnings=tuple(finding.sentence for finding in findings.warnings), pack=name
        )

    def release(self, imported: Imported) -> None:
        """What came in hangs on refs now, or nobody wants it: gc may judge it like all else."""
        if imported.pack:
            (self._objects / "pack" / f"{imported.pack}.keep").unlink(missing_ok=True)

    @asynccontextmanager
    async def _quarantine(self) -> AsyncIterator[Path]:
        """An object folder of its own, on the file system of the real one."""
        place = self._objects / f"{QUARANTINE}{uuid.uuid4().hex}"
        try:
            (place / "pack").mkdir(parents=True)
            yield place
        except OSError as error:
            raise GitError(f"nothing can be imported to {self._objects}: {error}") from error
        finally:
            with anyio.CancelScope(shield=True):
                await delete_trees(place)

    async def _unpack(self, place: Path, pack: Path, max_bytes: int) -> str:
        """The pack checked and indexed in quarantine; returns its name there, "" for an empty one."""
        if _is_empty(pack):
            return ""
        answer = await self._git.run(
            *("index-pack", "--stdin", f"--keep={_GUARD}", "--fix-thin", "--strict"),
            f"--max-input-size={max_bytes}",
            input=pack,
            env=self._inside(place) | DURABLE,
            ok=range(256),
            timeout_seconds=PATIENCE_SECONDS,
        )
        if answer.code:
            raise _Refused(f"git refuses what the session made: {_blamed(answer, max_bytes)}")
        told = _PACK.search(answer.text)
        return f"pack-{told[1]}" if told else ""

    async def _require_complete(
        self, place: Path, tips: Sequence[str], base: str, max_blob_bytes: int
    ) -> None:
        """Every object of the tips must be there, and none in their history be too big."""
        answer = await self._git.run(
            *("rev-list", "--objects", "--quiet"),
            *(f"--filter=blob:limit={max_blob_bytes + 1}", "--filter-print-omitted"),
            *(*tips, "--not", base, "--"),
            env=self._inside(place),
            ok=range(256),
            timeout_seconds=PATIENCE_SECONDS,
        )
        if answer.code:
            raise _Refused(f"the session's history is not whole: {_blamed(answer)}")
        big = [line.removeprefix("~")[:12] for line in answer.text.split("\n") if line]
        if big:
            named = ", ".join(big[:_NAMED_BLOBS])
            raise _Refused(
                f"the session committed files of more than {max_blob_bytes} bytes ({named}); "
                "its history must be made anew without them"
            )

    async def _judge(
        self, place: Path, tips: Sequence[str], base: str, max_blob_bytes: int
    ) -> Findings:
        found = [
            await scan(self._git, base, tip, max_blob_bytes=max_blob_bytes, env=self._inside(place))
            for tip in dict.fromkeys(tips)
        ]
        refusals = dict.fromkeys(finding for each in found for finding in each.refusals)
        if refusals:
            raise _Refused(refusal_sentence([finding.sentence for finding in refusals]))
        return Findings(
            warnings=tuple(dict.fromkeys(finding for each in found for finding in each.warnings))
        )

    def _inside(self, place: Path) -> dict[str, str]:
        """New objects go to ``place``; those of the repository are borrowed."""
        return {
            "GIT_OBJECT_DIRECTORY": str(place),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted_path(str(self._objects)),
        }

    def _move_in(self, place: Path, name: str) -> None:
        """Also over a pack of that name: a gc may be about to remove it."""
        target = self._objects / "pack"
        if not name:
            return
        target.mkdir(exist_ok=True)
        for suffix in _SUFFIXES:
            file = place / "pack" / f"{name}{suffix}"
            if file.exists():
                file.rename(target / file.name)
                _flush(target)


async def sweep(common_dir: Path) -> tuple[str, ...]:
    """Remove quarantines and guards that a killed engine left; a sentence for each."""
    objects = common_dir / "objects"
    left = sorted(objects.glob(f"{QUARANTINE}*"))
    await delete_trees(*left)
    guards = [keep for keep in sorted((objects / "pack").glob("*.keep")) if _is_ours(keep)]
    for keep in guards:
        keep.unlink()
    return tuple(f"removed an unfinished import, {place.name}" for place in (*left, *guards))


def _is_ours(keep: Path) -> bool:
    return keep.stat().st_size <= 2 * len(_GUARD) and keep.read_text().strip() == _GUARD


def said_by_the_disk(words: str) -> str:
    """What in the words of a git speaks of our own disk; "" for nothing."""
    return next((word for word in _OURS if word in words), "")


def refusal_sentence(sentences: Sequence[str]) -> str:
    """The first findings, and how many more there are."""
    more = len(sentences) - _NAMED_BLOBS
    shown = "; ".join(sentences[:_NAMED_BLOBS])
    return f"{shown}; and {more} more" if more > 0 else shown


def _blamed(answer: Output, max_bytes: int = 0) -> str:
    """Git's own words on what was wrong; raises GitError when it was not the pack."""
    said = answer.stderr.decode("utf-8", "replace")
    if ours := said_by_the_disk(said):
        raise GitError(f"an import failed: {ours}", code=answer.code)
    if "exceeds maximum allowed size" in said:
        return f"it has more than {max_bytes} bytes"
    lines = [line for line in said.splitlines() if line.startswith(("error: ", "fatal: "))]
    return safe_text(lines[0] if lines else answer.complaint, one_line=True, limit=300)


def _is_empty(pack: Path) -> bool:
    """Whether a pack says of itself that it holds no object; then it is not needed at all."""
    with pack.open("rb") as file:
        head = file.read(12)
    return not head or (head[:4] == b"PACK" and head[8:] == bytes(4))


def quoted_path(path: str) -> str:
    """A path in a list that colons divide."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _flush(folder: Path) -> None:
    """Make a rename outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

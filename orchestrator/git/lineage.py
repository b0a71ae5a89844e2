"""A branch's own way: its commits by first parents, with what each says of itself.

Names, words and trailers are whatever their author wrote. Fields are told apart by NUL, the one
character that git lets nobody bring in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.git.command import Git

_FIELDS = ("%H", "%T", "%P", "%an", "%s", "%(trailers:only,unfold)")


@dataclass(frozen=True, slots=True)
class Station:
    """One commit on the way."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    subject: str
    trailers: tuple[tuple[str, str], ...]

    def all(self, key: str) -> tuple[str, ...]:
        """The values of a trailer, in order."""
        return tuple(value for name, value in self.trailers if name.lower() == key.lower())

    def only(self, key: str) -> str:
        """The value of a trailer; empty where there is none, or more than one."""
        values = self.all(key)
        return values[0] if len(values) == 1 else ""

    @property
    def is_claim(self) -> bool:
        """Whether it says to be of our making."""
        return any(name.lower().startswith("clerk-") for name, _ in self.trailers)


async def lineage(
    git: Git, tips: Sequence[str], *, limit: int | None = None
) -> tuple[Station, ...]:
    """The way to ``tips`` (oids, ``^`` before those where it ends), the newest first."""
    log = await git.run(
        *("log", "--first-parent", "--no-show-signature", "-z"),
        *([f"--max-count={limit}"] if limit is not None else []),
        *(f"--format={'%x00'.join(_FIELDS)}", *tips, "--"),
    )
    fields = os.fsdecode(log.stdout).removesuffix("\0").split("\0")
    each = zip(*[iter(fields)] * len(_FIELDS), strict=True)
    return tuple(map(_read, each)) if log.stdout else ()


def _read(fields: Sequence[str]) -> Station:
    oid, tree, parents, author, subject, told = fields
    trailers = (line.partition(":") for line in told.split("\n") if line)
    pairs = tuple((key, value.strip()) for key, _, value in trailers)
    return Station(oid, tree, tuple(parents.split()), author, subject, pairs)

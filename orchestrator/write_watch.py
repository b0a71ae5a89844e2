"""Which files of the tree checks change: what runs after that no longer tests the tree.

A check may make what it likes beside the tree's own files. One that changes those is told, by all
that ran when it happened, since several share a checkout; and from then on nothing that comes of
that checkout is kept as known.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MOST_TOLD = 20


class WriteWatch:
    """Watches one checkout; ``look`` tells which files are not as its commit has them."""

    def __init__(self, look: Callable[[], Awaitable[frozenset[str]]]) -> None:
        self._look = look
        self._seen: frozenset[str] = frozenset()
        self._running: dict[str, set[str]] = {}
        self.is_spoilt = False

    async def begin(self) -> None:
        """Before the first check: what setup has changed is no check's doing."""
        self._seen = await self._looked()

    def starts(self, name: str) -> None:
        """A check is about to run."""
        self._running[name] = set()

    def stopped(self, name: str) -> None:
        """It does not run any more, however that came."""
        self._running.pop(name, None)

    async def ended(self, name: str) -> tuple[str, ...]:
        """What was changed while this check ran; call it before ``stopped``."""
        now = await self._looked()
        found, self._seen = now - self._seen, self._seen | now
        self.is_spoilt |= bool(found)
        for blamed in self._running.values():
            blamed.update(found)
        return tuple(sorted(self._running[name])[:MOST_TOLD])

    async def _looked(self) -> frozenset[str]:
        with suppress(GitError):  # a checkout that a check has taken apart tells nothing
            return await self._look()
        return self._seen

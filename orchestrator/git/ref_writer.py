"""The engine's own refs, written by one git that stays: a session or a landing holds several.

Each order is a transaction of its own, flushed to disk before it counts as done. A git that refuses
ends with its words, and the next order begins another; so does a configuration that changed, and
after some time a fresh one, since it remembers every object it was told of. Only for refs nobody
else moves: their log tells no reason but that it was us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from orchestrator.errors import GitError
from orchestrator.git.drivers import config_signature
from orchestrator.git.environment import DURABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.git.command import Git
    from orchestrator.supervision.companion import Companion

PATIENCE_SECONDS = 300.0
ORDERS_KEPT = 500
"""What one git remembers of its orders is forgotten with it."""


class RefWriter:
    """Writes refs of one repository. Close it."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._writer: Companion | None = None
        self._begun_under: object = None
        self._left = 0
        self._asking = anyio.Lock()

    async def write(self, orders: Sequence[str]) -> None:
        """Do all of ``orders`` (as ``update-ref --stdin -z`` takes them), or none; raises GitError."""
        question = "".join(("start\0", *orders, "commit\0")).encode()
        async with self._asking:
            writer = await self._at_hand()
            try:
                done = await writer.ask(question, b"commit: ok\n", timeout_seconds=PATIENCE_SECONDS)
            except TimeoutError as error:
                self.close()
                raise GitError("git update-ref gave no answer") from error
            if not done:
                said = self.close().decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise GitError(f"git update-ref failed: {said or 'it ended without a word'}")

    def close(self) -> bytes:
        """End the git that stays, if one does; returns what it complained of."""
        writer, self._writer = self._writer, None
        return writer.end() if writer else b""

    async def _at_hand(self) -> Companion:
        common_dir = self._git.common_dir
        seen = config_signature(common_dir, common_dir)
        if (
            self._left <= 0
            or seen != self._begun_under
            or not (self._writer and self._writer.is_there)
        ):
            self.close()
        if self._writer is None:
            self._writer = await self._git.companion(
                "update-ref", "-m", "clerk", "--stdin", "-z", env=DURABLE
            )
            self._begun_under, self._left = seen, ORDERS_KEPT
        self._left -= 1
        return self._writer

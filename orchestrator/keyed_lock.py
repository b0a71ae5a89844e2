"""One lock for each key, for as long as somebody wants it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class KeyedLock:
    """Those who hold the same key wait for each other; nobody else does. Nothing is kept."""

    def __init__(self) -> None:
        self._wanted: dict[str, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Hold ``key`` alone, in the order of asking."""
        lock, wanted = self._wanted.get(key) or (anyio.Lock(), 0)
        self._wanted[key] = lock, wanted + 1
        try:
            async with lock:
                yield
        finally:
            lock, wanted = self._wanted.pop(key)
            if wanted > 1:
                self._wanted[key] = lock, wanted - 1

"""A flag one worker waits for and anybody raises; raised twice before it is seen, it is seen once."""

from __future__ import annotations

import anyio


class News:
    """Coalesces any number of wake-ups into one."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def came(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        """Return once news came since the last time, at once if it already has."""
        await self._event.wait()
        self._event = anyio.Event()

"""Ending in good order when told to by a signal."""

from __future__ import annotations

import signal
from collections.abc import Callable

import anyio


async def on_signal(act: Callable[[], None]) -> None:
    """Call ``act`` on SIGINT, SIGTERM or SIGHUP, as often as they come; runs until cancelled."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async for _ in signals:
            act()

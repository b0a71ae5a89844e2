"""Signs of life of a job that do not come by its output.

Who waits for an answer of ours is silent and not stuck: while something is done on a job's behalf
its silence is not counted, and begins anew once that is over.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pulse:
    """One job's; everything happens on the event loop's thread."""

    def __init__(self) -> None:
        self._held = 0
        self._last = -math.inf

    @contextmanager
    def held(self) -> Iterator[None]:
        """Something is done on the job's behalf until this is left."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._last = anyio.current_time()

    @property
    def felt_at(self) -> float:
        """When the job last gave such a sign, on the event loop's clock."""
        return anyio.current_time() if self._held else self._last

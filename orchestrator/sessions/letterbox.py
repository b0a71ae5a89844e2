"""Where a session's words are put that do not come by its output.

The engine's door takes them at any moment, the session hears them while it runs and never after:
a word that nobody is there to hear is refused, not lost.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.agents.protocol import Asked


class Letterbox:
    """One session's; everything happens on the event loop's thread."""

    def __init__(self) -> None:
        self._hear: Callable[[Asked], None] | None = None

    @contextmanager
    def emptied_by(self, hear: Callable[[Asked], None]) -> Iterator[None]:
        """Have ``hear`` told each event at once, for as long as this is entered."""
        self._hear = hear
        try:
            yield
        finally:
            self._hear = None

    def put(self, event: Asked) -> bool:
        """Whether somebody heard it."""
        if self._hear is None:
            return False
        self._hear(event)
        return True

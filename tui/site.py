"""What the dashboard knows: the last status, whether it is still true, and what may be ordered.

One frozen value, owned by the app and watched by the screens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.api.models import StatusView


@dataclass(frozen=True, slots=True)
class Site:
    """The last known status (None before the first), and why it may be stale ("" : it is not)."""

    status: StatusView | None = None
    trouble: str = ""

    @property
    def live(self) -> bool:
        return self.status is not None and not self.trouble

    def told(self, status: StatusView) -> Site:
        return Site(status)

    def lost(self, reason: str) -> Site:
        return replace(self, trouble=reason)

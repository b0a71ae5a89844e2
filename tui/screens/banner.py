"""The line that says that what is shown may no longer be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from tui.plain import plain

if TYPE_CHECKING:
    from tui.site import Site


class Banner(Static):
    """Hidden while the engine answers."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)

    def show(self, site: Site) -> None:
        """Say what the trouble is, if there is any."""
        self.set_class(bool(site.trouble), "-shown")
        if site.trouble:
            shown = "; showing the last known state" if site.status else ""
            self.update(plain(f"{site.trouble}{shown}; go on with: clerk start", one_line=True))

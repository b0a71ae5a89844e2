"""A log of 200 MB that is one line, and hostile; runnable in a terminal.

Its pages, and what is looked for in it, are read by the engine's own code, from a real file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripted.building_site import NOW
from scripted.engine import ScriptedEngine
from scripted.hostile_site import NASTY, a_hostile_engine

from orchestrator.api.log_pages import opened, read_page, search
from orchestrator.api.log_views import LogFound, LogPage, LogPlace, LogSearch
from tui.app import ClerkApp

SIZE = 200_000_000
NEEDLE = "here-is-the-needle"


def write(log: Path) -> None:
    """One line but for its ends, with something to find at three quarters of it."""
    with log.open("wb") as file:
        file.write(f"first {NASTY}\n".encode())
        for _ in range(SIZE // 1_000_000):
            file.write(b"L" * 1_000_000)
        file.seek(SIZE * 3 // 4)
        file.write(f"{NASTY}{NEEDLE}".encode())
        file.seek(0, 2)
        file.write(f"the end {NASTY}\n{NASTY} last\n".encode())


class OnDisk(ScriptedEngine):
    """The hostile site; every log that is asked for page by page is the file."""

    def __init__(self, log: Path) -> None:
        vars(self).update(vars(a_hostile_engine()))
        self._log = log

    async def log_page(self, plan: str, task: str, place: LogPlace) -> LogPage:
        await self._answer()
        with opened(str(self._log), self._log.parent) as log:
            page = read_page(log, place)
        self.pages.append((page.start, page.end))
        return page

    async def search_log(self, plan: str, task: str, wanted: LogSearch) -> LogFound:
        await self._answer()
        with opened(str(self._log), self._log.parent) as log:
            return search(log, wanted)


if __name__ == "__main__":
    hostile = OnDisk(Path(sys.argv[1]))
    ClerkApp(lambda: hostile, clock=lambda: NOW).run()

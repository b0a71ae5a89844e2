"""The part of a log that is held: a few pages that follow one another, of a file of any size.

Pure. Pages are added at one end and let go at the other, so that what is held stays small. A line
longer than anybody reads is shown in pieces, none of which reaches from one page into another: so
what is added or let go has a height of its own, however long the line.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tui.fit import LINE_LIMIT
from tui.line import Line

if TYPE_CHECKING:
    from orchestrator.api.log_views import LogPage

PAGES_HELD = 6
PAGE_BYTES = 32 * 1024

_PIECE = LINE_LIMIT // 2
"""Characters; a tab may take several cells, and nothing of a piece is to be cut off."""


class LogWindow:
    """Pages of one log, in its order and without a gap."""

    def __init__(self) -> None:
        self._pages: deque[LogPage] = deque()
        self.size = 0

    @property
    def start(self) -> int:
        return self._pages[0].start if self._pages else 0

    @property
    def end(self) -> int:
        return self._pages[-1].end if self._pages else 0

    @property
    def at_end(self) -> bool:
        return self.end >= self.size

    def is_of_another(self, page: LogPage) -> bool:
        """Whether a page is of another log than what is held: the check runs again."""
        if not self._pages:
            return False
        return page.file != self._pages[0].file or page.size < self.end

    def begin(self, page: LogPage) -> None:
        """Hold this page and no other."""
        self._pages.clear()
        self._pages.append(page)
        self.size = page.size

    def add(self, page: LogPage) -> tuple[list[Line], list[Line]]:
        """Take in the page before or after; the lines it adds in front, and those it lets go there."""
        self.size = page.size
        if page.end == page.start:
            return [], []
        if page.end == self.start:
            self._pages.appendleft(page)
            if len(self._pages) > PAGES_HELD:
                self._pages.pop()
            return _lines(page.text), []
        if page.start != self.end:
            return [], []
        if self._pages and page.end - self._pages[-1].start <= PAGE_BYTES:
            self._pages[-1] = _joined(self._pages[-1], page)  # a log that grows, bit by bit
            return [], []
        self._pages.append(page)
        dropped = [self._pages.popleft()] if len(self._pages) > PAGES_HELD else []
        return [], [line for old in dropped for line in _lines(old.text)]

    def lines(self) -> list[Line]:
        return [line for page in self._pages for line in _lines(page.text)]


def _joined(page: LogPage, following: LogPage) -> LogPage:
    return following.model_copy(update={"text": page.text + following.text, "start": page.start})


def _lines(text: str) -> list[Line]:
    lines = text.removesuffix("\n").split("\n") if text else []
    return [Line(piece) for line in lines for piece in _pieces(line)]


def _pieces(line: str) -> list[str]:
    if len(line) <= LINE_LIMIT:
        return [line]
    return [line[at : at + _PIECE] for at in range(0, len(line), _PIECE)]

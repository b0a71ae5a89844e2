"""One log, whole, of any size: what is shown is asked for, and nothing else.

A worker asks for the page before or after what is held when the reader comes near its end, and
looks for text where the log lies. Opening a log of 100 MB costs the same as one of a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from orchestrator.api.log_views import LogPlace, LogSearch
from orchestrator.errors import ClerkError
from tui.ink import INKS, Ink
from tui.key_bar import KeyBar
from tui.line import Line
from tui.lines_view import LinesView
from tui.log_window import PAGE_BYTES, LogWindow
from tui.search_field import SearchField

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widgets import Input

    from orchestrator.api.log_views import LogName, LogPage
    from tui.board_model import Key
    from tui.engine_port import Connect

SECONDS_BETWEEN_LOOKS = 1.0
"""At the end of a log, which may grow."""

_NEAR = 3
"""Heights of the pane; so near to an end of what is held, more is asked for."""

_BEFORE_FOUND = 400
"""Bytes of a line before what was found in it that are shown; more would take it out of sight."""


@dataclass
class PageRead(Message):
    """A page of the log; ``anew`` shows it and nothing else, with what is sought in its first line."""

    page: LogPage
    anew: bool = False
    at_end: bool = False


@dataclass
class LogTrouble(Message):
    """It cannot be read on, or what is sought is not there."""

    reason: str


class LogScreen(Screen[None]):
    """A log from its end, or wherever the reader goes."""

    CSS_PATH = "log.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(INKS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back", tooltip="Back to the task"),
        Binding("slash", "search", "Search", key_display="/", tooltip="Look for a text"),
        Binding("n", "sought(1)", "Next", priority=True, tooltip="Where it stands next"),
        Binding("N", "sought(-1)", "Found before", show=False, priority=True),
        Binding("g,home", "go(0)", "Begin", priority=True, tooltip="The beginning of the log"),
        Binding("G,end", "go(10)", "End", priority=True, tooltip="The end of the log"),
        *(Binding(str(tenth), f"go({tenth})", f"{tenth}0 %", show=False) for tenth in range(1, 10)),
    ]

    def __init__(self, key: Key, name: LogName, title: str, connect: Connect) -> None:
        super().__init__()
        self._key = key
        self._which = name
        self._about = title
        self._connect = connect
        self._window = LogWindow()
        self._sought = ""
        self._found_at: int | None = None
        self._asking = False

    def compose(self) -> ComposeResult:
        yield LinesView(id="log-head")
        yield LinesView(id="log-lines")
        yield SearchField()
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#log-head").can_focus = False
        self._pane.focus()
        self.watch(self._pane, "scroll_y", self._look_around, init=False)
        self.set_interval(SECONDS_BETWEEN_LOOKS, self._look_for_more)
        self.action_go(10)

    @property
    def _pane(self) -> LinesView:
        return self.query_one("#log-lines", LinesView)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"go", "sought"} and isinstance(self.focused, SearchField):
            return False
        return (
            bool(self._sought) if action == "sought" else super().check_action(action, parameters)
        )

    def action_search(self) -> None:
        self.query_one(SearchField).open()

    def action_go(self, tenths: int) -> None:
        """Go to a place in the log, in tenths of it."""
        if tenths in {0, 10}:
            where = {"at": 0} if tenths == 0 else {}
        else:
            middle = self._window.size * tenths // 10
            where = {"before": min(middle + PAGE_BYTES, self._window.size)}
        self._ask(where, anew=True, at_end=tenths == 10)

    def action_sought(self, steps: int) -> None:
        self._search(steps)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.query_one(SearchField).close()
        self._pane.focus()
        self._sought, self._found_at = event.value, None
        self._pane.seek("")
        self.refresh_bindings()
        if self._sought:
            self.action_sought(1)

    def on_page_read(self, message: PageRead) -> None:
        pane, page = self._pane, message.page
        self._asking = False
        if not message.anew and self._window.is_of_another(page):
            self.action_go(10)
            return
        if message.anew:
            self._window.begin(page)
            pane.show(self._window.lines())
            pane.scroll_to(
                y=pane.max_scroll_y if message.at_end else 0,
                animate=False,
                immediate=True,
                force=True,
            )
            pane.mark(self._sought)
        else:
            stays = pane.is_vertical_scroll_end and self._window.at_end
            added, gone = self._window.add(page)
            y = pane.scroll_offset.y + pane.height_of(added) - pane.height_of(gone)
            pane.show(self._window.lines())
            y = pane.max_scroll_y if stays else max(0, y)
            pane.scroll_to(y=y, animate=False, immediate=True, force=True)
        self._show_head()
        self._look_around()

    def on_log_trouble(self, message: LogTrouble) -> None:
        self._asking = False
        self.query_one("#log-head", LinesView).show(
            [Line(self._about, Ink.BRAND), Line(message.reason, Ink.UNSURE)]
        )

    def _show_head(self) -> None:
        window = self._window
        share = 100 if window.at_end else 100 * window.end // max(1, window.size)
        where = f"bytes {window.start:,} to {window.end:,} of {window.size:,} ({share} %)"
        self.query_one("#log-head", LinesView).show(
            [Line(self._about, Ink.BRAND), Line(where, Ink.DIM)]
        )

    def _look_around(self) -> None:
        """Ask for more where the reader is near an end of what is held."""
        pane, window = self._pane, self._window
        near = _NEAR * max(1, pane.size.height)
        if window.start > 0 and pane.scroll_offset.y < near:
            self._ask({"before": window.start})
        elif not window.at_end and pane.scroll_offset.y > pane.max_scroll_y - near:
            self._ask({"at": window.end})

    def _look_for_more(self) -> None:
        if not self._window.size:
            self._ask({}, anew=not self._asking, at_end=True)
        elif self._window.at_end and self._pane.is_vertical_scroll_end:
            self._ask({"at": self._window.end})

    def _ask(self, where: dict[str, int], *, anew: bool = False, at_end: bool = False) -> None:
        if anew or not self._asking:
            self._asking = True
            self._read(where, anew=anew, at_end=at_end)

    @work(group="ask", exclusive=True)
    async def _read(self, where: dict[str, int], *, anew: bool, at_end: bool) -> None:
        try:
            async with self._connect() as engine:
                page = await engine.log_page(*self._key, self._place(**where))
        except ClerkError as error:
            self.post_message(LogTrouble(str(error)))
        else:
            self.post_message(PageRead(page, anew, at_end))

    @work(group="ask", exclusive=True)
    async def _search(self, steps: int) -> None:
        """Look for the text part by part, then show the page that begins with its line."""
        at = self._window.start if self._found_at is None else self._found_at + max(0, steps)
        try:
            async with self._connect() as engine:
                while True:
                    wanted = LogSearch(
                        **self._which.model_dump(), text=self._sought, at=at, backwards=steps < 0
                    )
                    found = await engine.search_log(*self._key, wanted)
                    if found.at is not None or found.next is None:
                        break
                    at = found.next
                if found.at is None:
                    self.post_message(LogTrouble(f"nothing more like {self._sought!r}"))
                    return
                self._found_at = found.at
                near = self._place(before=found.at, most=_BEFORE_FOUND)
                begin = begin_of_line(await engine.log_page(*self._key, near))
                page = await engine.log_page(*self._key, self._place(at=begin))
        except ClerkError as error:
            self.post_message(LogTrouble(str(error)))
        else:
            self.post_message(PageRead(page, anew=True))

    def _place(self, **where: int) -> LogPlace:
        return LogPlace(**{"most": PAGE_BYTES, **self._which.model_dump(), **where})


def begin_of_line(page: LogPage) -> int:
    """Where the last line of a page begins, or the page itself, where that is later.

    What was no text stands as something longer in its place: it never leads before the page.
    """
    last = page.text.rpartition("\n")[2]
    return max(page.start, page.end - len(last.encode("utf-8", "replace")))

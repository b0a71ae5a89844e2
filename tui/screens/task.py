"""All about one task: what its agent does, what the checks say, what the branch holds.

One worker reads the transcript, one asks for the rest whenever the task has changed; both post
messages. Nothing is asked for while the task stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import TabbedContent, TabPane

from orchestrator.api.log_views import LogName
from tui.board_model import find_task
from tui.ink import Ink
from tui.key_bar import KeyBar
from tui.line import Fold, Line
from tui.lines_view import LinesView
from tui.news import News
from tui.screens.banner import Banner
from tui.screens.log import LogScreen
from tui.screens.order_screen import OrderScreen
from tui.search_field import SearchField
from tui.story import facts
from tui.task_panes import PANES, TaskPanes
from tui.task_reader import TaskRead, look
from tui.transcript import LogFailed, LogRead, tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.widgets import Input

    from orchestrator.api.models import TaskView
    from tui.board_model import Key
    from tui.engine_port import Connect
    from tui.site import Site


class TaskScreen(OrderScreen):
    """The screen of one task."""

    CSS_PATH = "task.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back to where you came from"),
        *(
            Binding(str(place), f"pane('{name}')", name.capitalize(), show=False)
            for place, name in enumerate(PANES, start=1)
        ),
        Binding("left,h", "turn(-1)", "Pane before", show=False),
        Binding("right,l", "turn(1)", "Next pane", show=False),
        Binding("left_square_bracket", "attempt(-1)", "Attempt before", show=False),
        Binding("right_square_bracket", "attempt(1)", "Next attempt", show=False),
        Binding(
            "slash", "search", "Search", key_display="/", tooltip="Look for words in this pane"
        ),
        Binding("f", "fold_all", "Fold", tooltip="Fold or unfold everything in this pane"),
    ]

    def __init__(self, key: Key, connect: Connect, clock: Callable[[], float]) -> None:
        super().__init__(connect, clock, key)
        self._task_key = key
        self._seen: TaskView | None = None
        self._changed, self._wrote = News(), News()
        self._panes = TaskPanes()

    def compose(self) -> ComposeResult:
        yield LinesView(id="facts")
        yield Banner(id="banner")
        with TabbedContent(initial="transcript"):
            for name in PANES:
                with TabPane(name.capitalize(), id=name):
                    yield LinesView(id=f"{name}-lines", follow=name == "transcript")
        yield SearchField()
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#facts").can_focus = False
        self.action_pane("transcript")
        self.watch(self.app, "site", self.show_site)
        self.set_interval(1.0, self._tick)
        self.run_worker(
            look(self.connect, self._task_key, self._changed, self.post_message), group="look"
        )
        self._read_log(None)

    def show_site(self, site: Site) -> None:
        super().show_site(site)
        self.query_one(Banner).show(site)
        task = find_task(site.status, self.key)
        if site.live and task != self._seen:
            self._seen = task
            self._changed.came()
            self._wrote.came()
        self._show_facts()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "fold_all":
            return self._pane in {"transcript", "diff"}
        return super().check_action(action, parameters)

    def action_pane(self, name: str) -> None:
        self.query_one(TabbedContent).active = name
        self._lines(name).focus()

    def action_turn(self, steps: int) -> None:
        self.action_pane(PANES[(PANES.index(self._pane) + steps) % len(PANES)])

    def action_attempt(self, steps: int) -> None:
        """Read the log of an attempt before or after the one that is shown."""
        newest, read = self._newest_attempt(), self._panes.attempt_read
        wanted = min(max(1, read + steps), newest)
        if newest and wanted != read:
            self.action_pane("transcript")
            self._read_log(None if wanted == newest else wanted)

    def action_search(self) -> None:
        self.query_one(SearchField).open()

    def action_fold_all(self) -> None:
        self._panes.toggle_all(self._pane)
        self._show(self._pane)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.query_one(SearchField).close()
        pane = self._lines(self._pane)
        pane.focus()
        pane.seek(event.value)

    def on_lines_view_stop_opened(self, event: LinesView.StopOpened) -> None:
        if isinstance(event.target, Fold):
            self._panes.toggle(self._pane, event.target)
            self._show(self._pane)
        elif isinstance(event.target, LogName):
            title = self._panes.title_of(self._task_key, event.target)
            self.app.push_screen(LogScreen(self._task_key, event.target, title, self.connect))

    def on_log_read(self, message: LogRead) -> None:
        pane = self._lines("transcript")
        if message.starts:
            pane.show(self._panes.begin_transcript(message.attempt, message.left_out))
        lines, replaced = self._panes.dialogue.add(message.text)
        pane.extend(lines, instead_of_last=replaced)

    def on_log_failed(self, message: LogFailed) -> None:
        if not self._panes.attempt_read:
            self._lines("transcript").show([Line(message.reason, Ink.DIM)])

    def on_task_read(self, message: TaskRead) -> None:
        self._panes.take(message)
        # The others once they are turned to: out of sight they have no width.
        self._show(self._pane)

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        if event.pane.id in PANES:
            self._lines(event.pane.id).focus()
            self._show(event.pane.id)
            self.refresh_bindings()

    def on_lines_view_width_changed(self, message: LinesView.WidthChanged) -> None:
        if message.pane is self._lines("timeline"):
            self._show("timeline")

    @property
    def _pane(self) -> str:
        return self.query_one(TabbedContent).active or PANES[0]

    def _lines(self, pane: str) -> LinesView:
        return self.query_one(f"#{pane}-lines", LinesView)

    def _newest_attempt(self) -> int:
        return self._seen.attempt if self._seen else 0

    def _tick(self) -> None:
        """Move what the clock moves."""
        self._show_facts()
        if self._pane == "timeline":
            self._show("timeline")

    def _show(self, pane: str) -> None:
        """Show a pane as it is now, unless nothing is known of it yet."""
        view = self._lines(pane)
        width = view.scrollable_content_region.width
        lines = self._panes.lines(pane, self._seen, self.clock(), width)
        if lines is not None:
            view.show(lines)

    def _show_facts(self) -> None:
        task = find_task(self.site.status, self.key)
        if task is None:
            self.query_one("#facts", LinesView).show([Line("This task is gone.", Ink.DIM)])
            return
        name = Line("", lead=f"{task.plan} / {task.id}", lead_ink=Ink.BRAND)
        self.query_one("#facts", LinesView).show([name, *facts(task, self.clock())])
        self._show("readiness")

    def _read_log(self, attempt: int | None) -> None:
        reading = tail(
            self.connect,
            self._task_key,
            attempt=attempt,
            newest=self._newest_attempt,
            wake=self._wrote,
            tell=self.post_message,
        )
        self.run_worker(reading, group="tail", exclusive=True)

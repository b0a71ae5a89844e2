"""All about one task: what its agent does, what the checks say, what the branch holds.

One worker reads the transcript, one asks for the rest whenever the task has changed; both post
messages. Nothing is asked for while the task stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Footer, TabbedContent, TabPane

from orchestrator.errors import ClerkError, EngineUnreachable
from tui.board_model import find_task
from tui.ink import Ink
from tui.lines_view import LinesView
from tui.news import News
from tui.screens.banner import Banner
from tui.screens.order_screen import OrderScreen
from tui.story import (
    BLANK,
    Line,
    all_gates,
    attempts,
    brief_lines,
    diff_lines,
    facts,
    verifications,
)
from tui.transcript import LogFailed, LogRead, Transcript, tail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult

    from orchestrator.api.models import TaskView
    from tui.board_model import Key
    from tui.engine_port import Connect, Engine
    from tui.site import Site

PANES = ("transcript", "checks", "diff", "gates", "attempts", "brief")


@dataclass
class PaneRead(Message):
    """New lines for one pane."""

    pane: str
    lines: Sequence[Line]


class TaskScreen(OrderScreen):
    """The screen of one task."""

    CSS_PATH = "task.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", tooltip="Back to the board"),
        *(
            Binding(str(place), f"pane('{name}')", name.capitalize(), show=False)
            for place, name in enumerate(PANES, start=1)
        ),
        Binding("left,h", "turn(-1)", "Pane before", show=False),
        Binding("right,l,tab", "turn(1)", "Next pane", show=False),
        Binding("left_square_bracket", "attempt(-1)", "Attempt before", show=False),
        Binding("right_square_bracket", "attempt(1)", "Next attempt", show=False),
    ]

    def __init__(self, key: Key, connect: Connect, clock: Callable[[], float]) -> None:
        super().__init__(connect, clock)
        self.set_reactive(OrderScreen.key, key)
        self._task_key = key
        self._seen: TaskView | None = None
        self._changed, self._wrote = News(), News()
        self._transcript = Transcript()
        self._attempt_read = 0

    def compose(self) -> ComposeResult:
        yield LinesView(id="facts")
        yield Banner(id="banner")
        with TabbedContent(initial="transcript"):
            for name in PANES:
                with TabPane(name.capitalize(), id=name):
                    yield LinesView(id=f"{name}-lines", follow=name == "transcript")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#facts").can_focus = False
        self.action_pane("transcript")
        self.watch(self.app, "site", self.show_site)
        self.set_interval(1.0, self._show_facts)
        self.run_worker(self._look(), group="look")
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

    def action_pane(self, name: str) -> None:
        self.query_one(TabbedContent).active = name
        self._lines(name).focus()

    def action_turn(self, steps: int) -> None:
        at = PANES.index(self.query_one(TabbedContent).active)
        self.action_pane(PANES[(at + steps) % len(PANES)])

    def action_attempt(self, steps: int) -> None:
        """Read the log of an attempt before or after the one that is shown."""
        newest = self._newest_attempt()
        wanted = min(max(1, self._attempt_read + steps), newest)
        if newest and wanted != self._attempt_read:
            self.action_pane("transcript")
            self._read_log(None if wanted == newest else wanted)

    def on_log_read(self, message: LogRead) -> None:
        pane = self._lines("transcript")
        if message.starts:
            self._transcript = Transcript()
            self._attempt_read = message.attempt
            pane.show([Line(f"attempt {message.attempt}", Ink.HEADING), BLANK])
        lines, replaced = self._transcript.add(message.text)
        pane.extend(lines, instead_of_last=replaced)

    def on_log_failed(self, message: LogFailed) -> None:
        if not self._attempt_read:
            self._lines("transcript").show([Line(message.reason, Ink.DIM)])

    def on_pane_read(self, message: PaneRead) -> None:
        self._lines(message.pane).show(message.lines)

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        if event.pane.id in PANES:
            self._lines(event.pane.id).focus()

    def _lines(self, pane: str) -> LinesView:
        return self.query_one(f"#{pane}-lines", LinesView)

    def _newest_attempt(self) -> int:
        return self._seen.attempt if self._seen else 0

    def _show_facts(self) -> None:
        task = find_task(self.site.status, self.key)
        if task is None:
            self.query_one("#facts", LinesView).show([Line("This task is gone.", Ink.DIM)])
            return
        name = Line("", lead=f"{task.plan} / {task.id}", lead_ink=Ink.BRAND)
        self.query_one("#facts", LinesView).show([name, *facts(task, self.clock())])
        self._lines("gates").show(all_gates(task))

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

    async def _look(self) -> None:
        """Ask for checks, attempts, diff and brief each time the task has changed."""
        while True:
            await self._changed.wait()
            try:
                async with self.connect() as engine:
                    await self._ask(engine)
            except EngineUnreachable:
                continue  # the banner says so, and a status that comes back wakes us

    async def _ask(self, engine: Engine) -> None:
        async def detail() -> dict[str, list[Line]]:
            view = await engine.task(*self._task_key)
            return {"checks": verifications(view), "attempts": attempts(view)}

        async def diff() -> dict[str, list[Line]]:
            return {"diff": diff_lines(await engine.diff(*self._task_key))}

        async def brief() -> dict[str, list[Line]]:
            return {"brief": brief_lines(await engine.brief(*self._task_key))}

        await self._fill(("checks", "attempts"), detail)
        await self._fill(("diff",), diff)
        await self._fill(("brief",), brief)

    async def _fill(
        self, panes: Sequence[str], ask: Callable[[], Awaitable[dict[str, list[Line]]]]
    ) -> None:
        try:
            told = await ask()
        except EngineUnreachable:
            raise
        except ClerkError as error:
            told = {pane: [Line(str(error), Ink.DIM)] for pane in panes}
        for pane, lines in told.items():
            self.post_message(PaneRead(pane, lines))

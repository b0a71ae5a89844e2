"""What the panes of a task's screen hold: the newest that is known, and what is unfolded of it.

No widget: the screen asks for the lines of a pane and shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.api.log_views import LogName
from tui.dialogue import Dialogue
from tui.diff_story import DiffStory
from tui.ink import Ink
from tui.line import BLANK, FOLDED, Line
from tui.story import brief_lines
from tui.task_story import checks_lines, failure_lines, readiness_lines, timeline_lines

if TYPE_CHECKING:
    from orchestrator.api.models import TaskDetail, TaskView
    from tui.board_model import Key
    from tui.line import Fold
    from tui.task_reader import TaskRead

PANES = ("transcript", "checks", "diff", "readiness", "timeline", "brief")


class TaskPanes:
    """The panes of one task."""

    def __init__(self) -> None:
        self.dialogue = Dialogue()
        self.attempt_read = 0
        self._begin: list[Line] = []
        self._read: TaskRead | None = None
        self._diff = DiffStory()
        self._verifications: set[object] = set()

    def begin_transcript(self, attempt: int, left_out: int) -> list[Line]:
        """Begin anew with this attempt; the lines above what follows."""
        self.attempt_read = attempt
        self.dialogue = Dialogue(attempt)
        self._begin = [Line(f"attempt {attempt}", Ink.HEADING)]
        if left_out:
            text = f"{left_out:,} bytes stand before this: the whole transcript"
            whole = LogName(attempt=attempt)
            self._begin.append(Line(text, Ink.DIM, FOLDED, Ink.BRAND, target=whole))
        self._begin.append(BLANK)
        return self._begin

    def take(self, read: TaskRead) -> None:
        self._read = read
        if not isinstance(read.diff, str):
            self._diff.take(read.diff)

    def toggle(self, pane: str, fold: Fold) -> None:
        if pane == "transcript":
            self.dialogue.toggle(fold)
        elif pane == "diff":
            self._diff.toggle(fold)
        else:
            self._verifications ^= {fold.name}

    def toggle_all(self, pane: str) -> None:
        if pane == "transcript":
            self.dialogue.toggle_all()
        else:
            self._diff.toggle_all()

    def lines(self, pane: str, task: TaskView | None, now: float, width: int) -> list[Line] | None:
        """The lines of a pane as they are now; None when nothing is known of it."""
        if pane == "transcript":
            return [*self._begin, *self.dialogue.lines()] if self._begin else None
        if pane == "readiness":
            return readiness_lines(task, self._detail) if task else None
        read = self._read
        if read is None:
            return None
        told = {"diff": read.diff, "brief": read.brief}.get(pane, read.detail)
        if isinstance(told, str):
            return [Line(told, Ink.DIM)]
        return self._told_lines(pane, now, width)

    def _told_lines(self, pane: str, now: float, width: int) -> list[Line] | None:
        if pane == "diff":
            return self._diff.lines()
        if pane == "brief":
            brief = self._read.brief if self._read else ""
            failed = failure_lines(self._detail) if self._detail else []
            return None if isinstance(brief, str) else [*failed, *brief_lines(brief)]
        if self._detail is None:
            return None
        if pane == "checks":
            return checks_lines(self._detail, self._verifications)
        return timeline_lines(self._detail, now, width)

    @property
    def _detail(self) -> TaskDetail | None:
        detail = self._read.detail if self._read else None
        return None if isinstance(detail, str) else detail

    def title_of(self, key: Key, name: LogName) -> str:
        """What a log is, in words."""
        task = " / ".join(key)
        if name.check:
            now = "" if name.verification else ", as it runs"
            return f"{task}  ·  {name.check}{now}"
        what = "all that was printed" if name.raw else "transcript"
        return f"{task}  ·  attempt {name.attempt}, {what}"

"""A task told in a few lines: what the details and the head of its screen say.

Pure: views in, lines out. A line has a lead (a mark, a name) and a text that wraps beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.states import ACTIVE, SETTLED, TaskState
from tui.figures import show_cost, show_seconds, show_tokens
from tui.ink import Ink
from tui.line import BLANK, Line
from tui.marks import GATE_OPEN, check_mark, gate_mark, task_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.api.models import (
        BriefView,
        CheckView,
        TaskView,
    )
    from tui.marks import Mark


_DOT = "\u00a0· "
"""Between figures; a row is broken after it, never before."""

_FIGURE_LENGTH = 24
"""Up to so many characters a figure is kept in one piece; longer is a sentence."""


def facts(task: TaskView, now: float) -> list[Line]:
    """The few lines that tell where a task stands and why."""
    lines = [
        _marked(task_mark(task), task.title, Ink.STRONG),
        Line(_figures(task, now), Ink.DIM, "  "),
    ]
    if task.blocked_by:
        lines.append(Line(f"after {', '.join(task.blocked_by)}", Ink.PLAIN, "  "))
    lines += [Line(sentence, Ink.PLAIN, "  ") for sentence in (task.reason, task.held) if sentence]
    if task.activity and task.state in ACTIVE:
        lines.append(Line(task.activity, Ink.RUNNING, "> ", Ink.RUNNING))
    return lines


def _figures(task: TaskView, now: float) -> str:
    attempt = f"attempt {task.attempt} of {task.attempts_allowed}" if task.attempt else ""
    parts = (
        _since(task, now),
        attempt,
        task.agent,
        f"generating {show_seconds(task.generating_seconds)}" if task.generating_seconds else "",
        f"verifying {show_seconds(task.verifying_seconds)}" if task.verifying_seconds else "",
        f"{show_tokens(task.usage.tokens)} tokens" if task.usage.tokens else "",
        show_cost(task.usage.cost_usd),
        "unsandboxed" if task.sandbox == "none" else "",
    )
    return dotted(parts)


def _since(task: TaskView, now: float) -> str:
    if task.state is TaskState.PENDING or not task.state_since:
        return ""
    time = show_seconds(now - task.state_since)
    word = task_mark(task).word
    return f"{word} {time} ago" if task.state in SETTLED else f"{word} for {time}"


def dotted(parts: Iterable[str]) -> str:
    """The parts that say something, with a dot between them."""
    return _DOT.join(
        part.replace(" ", "\u00a0") if len(part) <= _FIGURE_LENGTH else part
        for part in parts
        if part
    )


def brief_checks(task: TaskView) -> list[Line]:
    """One line a check."""
    width = max((len(check.name) for check in task.checks), default=0)
    return [_check_line(check, width) for check in task.checks]


def _check_line(check: CheckView, width: int) -> Line:
    return _marked(check_mark(check), check_result(check), Ink.DIM, f"{check.name:<{width}}")


def check_result(check: CheckView) -> str:
    """What came of a check, in figures."""
    tests = (
        f"{check.passed} passed" if check.passed else "",
        f"{check.failed} failed" if check.failed else "",
        f"{check.skipped_tests} skipped" if check.skipped_tests else "",
    )
    parts = (
        ", ".join(part for part in tests if part) or check_mark(check).word,
        "" if not check.seconds or check.cached else f"{check.seconds:.1f}s",
        "cached" if check.cached and any(tests) else "",
        check.reason,
    )
    return dotted(parts)


def closed_gates(task: TaskView) -> list[Line]:
    """Each closed gate in its sentence, what is refused first, and by name those open that prove."""
    closed = sorted((gate for gate in task.gates if not gate.open), key=lambda one: not one.refused)
    lines = [
        _marked(gate_mark(gate), gate.reason, Ink.PLAIN if gate.refused else Ink.DIM)
        for gate in closed
    ]
    opened = [gate.name for gate in task.gates if gate.open and gate.asked]
    if opened:
        lines.append(_marked(GATE_OPEN, ", ".join(opened), Ink.DIM))
    return lines


def brief_lines(brief: BriefView) -> list[Line]:
    """Exactly what the agent gets."""
    how = "resumed session" if brief.resumed else "fresh session"
    head = Line(f"attempt {brief.attempt} · {how} · {brief.tokens} tokens", Ink.DIM)
    return [head, BLANK, *plain_lines(brief.text.split("\n"))]


def plain_lines(texts: Sequence[str]) -> list[Line]:
    return [Line(text) for text in texts]


def _marked(mark: Mark, text: str, ink: Ink, name: str = "") -> Line:
    lead = f"{mark.sign} {name}  " if name else f"{mark.sign} "
    return Line(text, ink, lead, mark.ink)

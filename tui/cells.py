"""What stands in each column for one task, as spans.

Pure: a view and the time in, text and ink out. Widths are the painter's business, except for
the marks of the checks, which are cut here to a number when there are too many.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.states import ACTIVE, SETTLED, Need, TaskState
from tui.figures import show_cost, show_seconds, show_tokens
from tui.ink import Ink, Span
from tui.marks import GATE_REFUSED, check_mark, task_mark

if TYPE_CHECKING:
    from orchestrator.api.models import TaskView

_QUIET = frozenset({TaskState.MERGED, TaskState.CANCELLED})
_MARKS_SHOWN = 6
_NEARLY_ALL = 0.8


def state_cell(task: TaskView) -> list[Span]:
    mark = task_mark(task)
    return [(f"{mark.sign} {mark.word}", mark.ink)]


def id_cell(task: TaskView) -> list[Span]:
    return [(task.id, Ink.DIM if task.state in _QUIET else Ink.STRONG)]


def title_cell(task: TaskView) -> list[Span]:
    return [(task.title, Ink.DIM if task.state in _QUIET else Ink.PLAIN)]


def try_cell(task: TaskView) -> list[Span]:
    """Which attempt of how many; in warning ink when it is the last one and not proven."""
    if not task.attempt:
        return []
    last = task.attempts_used >= task.attempts_allowed and task.state is TaskState.RETRY_QUEUED
    return [(f"{task.attempt}/{task.attempts_allowed}", Ink.UNSURE if last else Ink.DIM)]


def time_cell(task: TaskView, now: float) -> list[Span]:
    """How long the task has been where it is; once it is settled, how much work it took."""
    if task.state in SETTLED:
        took = task.generating_seconds + task.verifying_seconds
        return [(show_seconds(took), Ink.FAINT)] if took else []
    if task.state is TaskState.PENDING or not task.state_since:
        return []
    return [(show_seconds(now - task.state_since), _time_ink(task))]


def _time_ink(task: TaskView) -> Ink:
    return Ink.PLAIN if task.state in ACTIVE else Ink.DIM


def check_spans(task: TaskView) -> list[Span]:
    """A mark for each check, or how many of each mark when there are many."""
    marks = [check_mark(check) for check in task.checks]
    if len(marks) <= _MARKS_SHOWN:
        spans = [(f"{mark.sign} ", mark.ink) for mark in marks]
    else:
        counts = Counter((mark.sign, mark.ink) for mark in marks)
        spans = [(f"{sign}{count} ", ink) for (sign, ink), count in counts.items()]
    return [*spans[:-1], (spans[-1][0].rstrip(), spans[-1][1])] if spans else []


def check_cells(task: TaskView) -> int:
    """How many cells ``check_spans`` takes."""
    return sum(len(text) for text, _ in check_spans(task))


def gates_cell(task: TaskView) -> list[Span]:
    if not task.gates:
        return []
    opened = sum(gate.open for gate in task.gates)
    told = f"{opened}/{len(task.gates)}"
    if any(gate.refused for gate in task.gates):
        return [(f"{GATE_REFUSED.sign} {told}", GATE_REFUSED.ink)]
    return [(told, Ink.VERIFIED if opened == len(task.gates) else Ink.DIM)]


def why_cell(task: TaskView) -> list[Span]:
    """What the task waits for, in one sentence."""
    if task.state in _QUIET:
        return []
    return [(what_it_waits_for(task), Ink.DIM)]


def what_it_waits_for(task: TaskView) -> str:
    """The most telling sentence there is: why it is here, what it does, the gate that is closed."""
    if task.blocked_by:
        return f"after {', '.join(task.blocked_by)}"
    if task.reason or task.held:
        return task.reason or task.held
    if task.state in ACTIVE and task.activity:
        return task.activity
    if task.need is Need.MERGE:
        return "your order to land"
    closed = sorted((gate for gate in task.gates if not gate.open), key=lambda one: not one.refused)
    return closed[0].reason if closed else ""


def diff_cell(task: TaskView) -> list[Span]:
    if task.diff is None or not task.diff.files:
        return []
    quiet = task.state in _QUIET
    return [
        (f"+{_short(task.diff.insertions)}", Ink.DIM if quiet else Ink.ADDED),
        (" ", Ink.PLAIN),
        (f"-{_short(task.diff.deletions)}", Ink.DIM if quiet else Ink.REMOVED),
    ]


def _short(count: int) -> str:
    return str(count) if count < 1_000 else show_tokens(count)


def agent_cell(task: TaskView) -> list[Span]:
    return [(task.agent, Ink.DIM)]


def tokens_cell(task: TaskView) -> list[Span]:
    """What was used of what is allowed."""
    used, allowed = task.usage.tokens, task.tokens_allowed
    return _of_budget(show_tokens(used), show_tokens(allowed or 0), _share(used, allowed))


def cost_cell(task: TaskView) -> list[Span]:
    """What was spent of what is allowed; the dollar sign stands once."""
    used, allowed = task.usage.cost_usd, task.cost_allowed_usd
    return _of_budget(show_cost(used), show_cost(allowed or 0).lstrip("$"), _share(used, allowed))


def _share(used: float, allowed: float | None) -> float:
    return used / allowed if allowed else 0.0


def _of_budget(used: str, allowed: str, share: float) -> list[Span]:
    """A figure and, where there is one, its limit; in warning ink when little is left."""
    if not used:
        return []
    ink = Ink.BROKEN if share >= 1 else Ink.UNSURE if share >= _NEARLY_ALL else Ink.DIM
    return [(used, ink)] if not allowed else [(used, ink), (f"/{allowed}", Ink.FAINT)]

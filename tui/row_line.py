"""A row of the board as the spans of one line, cut and aligned to its columns.

Pure: the board paints what comes from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from orchestrator.safe_text import safe_text
from orchestrator.states import MergeMode
from tui import cells
from tui.board_model import PlanRow, tally
from tui.columns import GAP, RIGHT_ALIGNED, Column, Name
from tui.figures import plural
from tui.fit import cut, fit
from tui.ink import Ink, Span

if TYPE_CHECKING:
    from orchestrator.api.models import PlanView, TaskView

_CELLS = {
    Name.STATE: cells.state_cell,
    Name.ID: cells.id_cell,
    Name.TITLE: cells.title_cell,
    Name.CHECKS: cells.check_spans,
    Name.GATES: cells.gates_cell,
    Name.WHY: cells.why_cell,
    Name.TRY: cells.try_cell,
    Name.DIFF: cells.diff_cell,
    Name.AGENT: cells.agent_cell,
    Name.TOKENS: cells.tokens_cell,
    Name.COST: cells.cost_cell,
}
_GAP: Span = (" " * GAP, Ink.PLAIN)


_ENDS = {MergeMode.AUTO: "lands by itself", MergeMode.PR: "handed over as pull requests"}


def task_line(task: TaskView, columns: Sequence[Column], now: float) -> list[Span]:
    """The line of one task."""
    line: list[Span] = []
    for column in columns:
        name = column.name
        spans = cells.time_cell(task, now) if name is Name.TIME else _CELLS[name](task)
        line += _in_column(spans, column)
        line.append(_GAP)
    return line


def heading_line(columns: Sequence[Column]) -> list[Span]:
    """The line above all others, with the name of each column."""
    return [
        span
        for column in columns
        for span in (*_in_column([(column.name.value, Ink.HEADING)], column), _GAP)
    ]


def plan_line(row: PlanRow, width: int) -> list[Span]:
    """The heading of a plan: its name and target, how far it is, and what is special about it."""
    plan = row.plan
    name = cut(plan.name, width // 2)
    rest = "  ·  ".join(part for part in _about_plan(row) if part)
    room = width - cell_len(name) - GAP
    return [(name, Ink.BRAND), _GAP, (cut(rest, room), Ink.DIM)]


def _about_plan(row: PlanRow) -> tuple[str, ...]:
    plan = row.plan
    merged = tally([plan]).merged
    return (
        f"→ {plan.target}",
        f"{merged} of {plural(len(plan.tasks), 'task')} landed",
        "" if row.shown == len(plan.tasks) else f"{row.shown} shown",
        _condition(plan),
        _ENDS.get(plan.merge, ""),
        plan.behind[0].reason if plan.behind else plan.warnings[0] if plan.warnings else "",
    )


def _condition(plan: PlanView) -> str:
    if plan.behind:
        return "needs you"
    if plan.paused:
        return "paused"
    if plan.settled:
        return "settled"
    return "needs you" if plan.person_needed else ""


def _in_column(spans: Sequence[Span], column: Column) -> list[Span]:
    """``spans`` in exactly the column's width; only a lone span is ever cut with an ellipsis."""
    if len(spans) == 1:
        text, ink = spans[0]
        return [(fit(text, column.width, right=column.name in RIGHT_ALIGNED), ink)]
    used = sum(cell_len(safe_text(text)) for text, _ in spans)
    padding: Span = (" " * max(0, column.width - used), Ink.PLAIN)
    return [padding, *spans] if column.name in RIGHT_ALIGNED else [*spans, padding]

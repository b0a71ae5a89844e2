"""Which columns the board has room for, and how wide each is.

Pure. Every column has a width of its own but the title, which takes what is left. When the
title would get too narrow, columns go, the least telling first; when the board is very wide,
the first closed gate is told in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from tui.cells import check_cells, cost_cell, tokens_cell
from tui.marks import WORD_WIDTH

if TYPE_CHECKING:
    from orchestrator.api.models import TaskView
    from tui.ink import Span


class Name(StrEnum):
    """A column, by its heading."""

    STATE = "state"
    ID = "task"
    TITLE = "title"
    CHECKS = "checks"
    GATES = "gates"
    WHY = "waits for"
    TRY = "try"
    TIME = "time"
    DIFF = "diff"
    AGENT = "agent"
    TOKENS = "tokens"
    COST = "cost"


class Column(NamedTuple):
    """A column and its width in cells."""

    name: Name
    width: int


GAP = 2
"""Cells between two columns."""

RIGHT_ALIGNED = frozenset({Name.TRY, Name.TIME, Name.DIFF, Name.TOKENS, Name.COST, Name.GATES})

_TITLE_LEAST = 26
_TITLE_ENOUGH = 64
_WHY_LEAST = 24
_DROPPED_FIRST = (Name.TOKENS, Name.AGENT, Name.DIFF, Name.COST, Name.TRY)


def lay_out(width: int, tasks: Iterable[TaskView]) -> tuple[Column, ...]:
    """The columns of a board of ``width`` cells that shows ``tasks``, left to right."""
    widths = _own_widths(list(tasks))
    for name in _DROPPED_FIRST:
        if _left_for_title(width, widths) >= _TITLE_LEAST:
            break
        del widths[name]
    title, why = _share(_left_for_title(width, widths))
    widths |= {Name.TITLE: title} | ({Name.WHY: why} if why else {})
    return tuple(Column(name, widths[name]) for name in Name if name in widths)


def _own_widths(tasks: list[TaskView]) -> dict[Name, int]:
    ids = max((cell_len(task.id) for task in tasks), default=0)
    agents = max((cell_len(task.agent) for task in tasks), default=0)
    checks = max((check_cells(task) for task in tasks), default=0)
    return {
        Name.STATE: 2 + WORD_WIDTH,
        Name.ID: min(max(ids, 8), 24),
        Name.CHECKS: max(checks, len(Name.CHECKS)),
        Name.GATES: 5,
        Name.TRY: 4,
        Name.TIME: 7,
        Name.DIFF: 10,
        Name.AGENT: min(max(agents, 6), 10),
        Name.TOKENS: _widest(tasks, tokens_cell, 6),
        Name.COST: _widest(tasks, cost_cell, 6),
    }


def _widest(tasks: list[TaskView], cell: Callable[[TaskView], list[Span]], least: int) -> int:
    """As wide as the widest cell, as figures cannot be cut."""
    widths = (sum(len(text) for text, _ in cell(task)) for task in tasks)
    return max(least, *widths) if tasks else least


def _left_for_title(width: int, widths: dict[Name, int]) -> int:
    return width - sum(widths.values()) - GAP * (len(widths) + 1)


def _share(room: int) -> tuple[int, int]:
    """The widths of the title and of the words about the first closed gate (0: no room)."""
    why = max(room - _TITLE_ENOUGH, room * 2 // 5) - GAP
    if why < _WHY_LEAST:
        return max(0, room), 0
    return room - why - GAP, why

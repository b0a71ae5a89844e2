"""The dependencies of every plan as rows of cells: lines, tasks with their marks, what is chosen.

Pure. The geometry is kept while the plans have the same tasks and dependencies; states only
change what a row says.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.states import TaskState
from tui.dag import Drawing, Way, draw
from tui.fit import fit
from tui.ink import Ink, Span
from tui.marks import task_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.api.models import PlanView, TaskView
    from tui.board_model import Key
    from tui.dag import Node

_GLYPHS = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
"""By the ways that lead from a cell."""

_TIP = "▸"
_GAP = 2

Cell = tuple[str, Ink]


@dataclass(frozen=True)
class _Part:
    """One plan: its heading is at row ``top``, its drawing two rows below."""

    plan: PlanView
    top: int
    drawing: Drawing
    tasks: Mapping[str, TaskView]

    @property
    def first(self) -> int:
        return self.top + _GAP


class GraphCanvas:
    """The drawing of all plans, one below the other."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._drawings: dict[tuple[tuple[str, tuple[str, ...]], ...], Drawing] = {}
        self._rows: dict[int, dict[int, Way]] = {}
        self._nodes: dict[int, list[tuple[Key, Node]]] = {}
        self.width = self.height = 0

    def take(self, plans: Iterable[PlanView]) -> None:
        """Draw these plans."""
        before, self._drawings, self._parts = self._drawings, {}, []
        top = 0
        for plan in plans:
            shape = tuple((task.id, task.after) for task in plan.tasks)
            drawing = before.get(shape) or draw(dict(shape))
            self._drawings[shape] = drawing
            self._parts.append(_Part(plan, top, drawing, {task.id: task for task in plan.tasks}))
            top += drawing.height + _GAP + 1
        self.height = max(0, top - 1)
        self.width = max((part.drawing.width for part in self._parts), default=0)
        self._index()

    def _index(self) -> None:
        rows: dict[int, dict[int, Way]] = defaultdict(dict)
        nodes: dict[int, list[tuple[Key, Node]]] = defaultdict(list)
        for part in self._parts:
            for cells in part.drawing.edges.values():
                for (x, y), way in cells.items():
                    row = rows[part.first + y]
                    row[x] = row.get(x, Way(0)) | way
            for node in part.drawing.nodes.values():
                nodes[part.first + node.y].append(((part.plan.name, node.name), node))
        self._rows, self._nodes = rows, nodes

    def tasks(self) -> list[Key]:
        """Every task, from the top down and from left to right."""
        placed = [
            ((part.first + node.y, node.x), (part.plan.name, node.name))
            for part in self._parts
            for node in part.drawing.nodes.values()
        ]
        return [key for _, key in sorted(placed)]

    def place(self, key: Key | None) -> Node | None:
        """Where a task stands, its row counted from the top of the canvas."""
        for part in self._parts:
            if key and key[0] == part.plan.name and key[1] in part.drawing.nodes:
                node = part.drawing.nodes[key[1]]
                return node._replace(y=part.first + node.y)
        return None

    def at(self, x: int, y: int) -> Key | None:
        """The task that stands at a cell."""
        return next(
            (key for key, node in self._nodes.get(y, ()) if node.x <= x < node.x + node.width), None
        )

    def linked(self, key: Key, *, behind: bool) -> list[Key]:
        """The tasks behind one, or those it comes after."""
        for part in self._parts:
            if part.plan.name == key[0]:
                edges = part.drawing.edges
                found = (
                    [t for f, t in edges if f == key[1]]
                    if behind
                    else [f for f, t in edges if t == key[1]]
                )
                return [(key[0], name) for name in found]
        return []

    def row(self, y: int, chosen: Key | None) -> list[Span]:
        """One row, from its left end on."""
        for part in self._parts:
            if y == part.top:
                return [(part.plan.name, Ink.BRAND), (f"  → {part.plan.target}", Ink.DIM)]
            if part.first <= y < part.first + part.drawing.height:
                return _spans(self._cells(part, y, chosen))
        return []

    def _cells(self, part: _Part, y: int, chosen: Key | None) -> list[Cell]:
        cells: list[Cell] = [(" ", Ink.PLAIN)] * part.drawing.width
        for x, way in self._rows.get(y, {}).items():
            cells[x] = (_GLYPHS[way], Ink.FAINT)
        for x in _cells_of(part, y - part.first, chosen):
            cells[x] = (_GLYPHS[self._rows[y][x]], Ink.BRAND)
        for key, node in self._nodes.get(y, ()):
            tip = cells[node.x - 1] if node.x else None
            if tip and tip[0] == _GLYPHS[Way.EAST | Way.WEST]:
                cells[node.x - 1] = (_TIP, tip[1])
            label, ink = _label(part.tasks[node.name], node.width)
            ink = Ink.CHOSEN if key == chosen else ink
            for n, character in enumerate(label):
                cells[node.x + n] = (character, ink)
        return cells


def _cells_of(part: _Part, y: int, chosen: Key | None) -> set[int]:
    """Where the lines of the chosen task run in one row."""
    if chosen is None or chosen[0] != part.plan.name:
        return set()
    edges = part.drawing.edges.items()
    return {x for edge, cells in edges if chosen[1] in edge for x, row in cells if row == y}


def _label(task: TaskView, width: int) -> Cell:
    """A mark and a name, a character a cell."""
    mark = task_mark(task)
    text = fit(f"{mark.sign} {task.id}", width)
    quiet = task.state is TaskState.MERGED
    return text[:width], Ink.MERGED if quiet else mark.ink


def _spans(cells: Sequence[Cell]) -> list[Span]:
    spans: list[Span] = []
    for character, ink in cells:
        if spans and spans[-1][1] is ink:
            spans[-1] = (spans[-1][0] + character, ink)
        else:
            spans.append((character, ink))
    return spans

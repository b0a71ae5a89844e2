"""Where the tasks of a plan stand when its dependencies are drawn, and how the lines run.

Pure geometry. Tasks stand in columns, each to the right of all it depends on; a line that passes
a column has a row there of its own. Between two columns every task that leads somewhere has a
track for its lines, so that no two tasks' lines run in one another; they only cross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from itertools import count
from typing import NamedTuple


class Way(IntFlag):
    """Where a line leads from a cell."""

    NORTH = 1
    EAST = 2
    SOUTH = 4
    WEST = 8


class Node(NamedTuple):
    """A task: its left end and row, in cells."""

    name: str
    x: int
    y: int
    width: int


Edge = tuple[str, str]
"""From a task to one that depends on it."""

Cells = dict[tuple[int, int], Way]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes by name, and the cells of each edge."""

    nodes: Mapping[str, Node]
    edges: Mapping[Edge, Cells]
    width: int
    height: int


class _Place(NamedTuple):
    """A place in a column: a task, or where an edge passes that ``column`` on its way (``via``)."""

    name: str
    via: Edge | None = None
    column: int = 0


_CROWDED = 18
"""Rows of a column from which on they stand close."""

_SWEEPS = 4


def draw(after: Mapping[str, Sequence[str]], *, longest: int = 26, lead: int = 2) -> Drawing:
    """The drawing of tasks, given what each comes after; unknown names are passed over.

    A node is as wide as its name and ``lead``, at most ``longest``.
    """
    known = {task: [other for other in first if other in after] for task, first in after.items()}
    layers = _layers(known)
    columns = _columns(known, layers)
    _order(columns, known)
    rows = _rows(columns, known)
    widths = [
        max((min(longest, len(p.name) + lead) for p in column if not p.via), default=lead)
        for column in columns
    ]
    return _lay(columns, rows, widths, known)


def _layers(after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Which column each task stands in: one beyond the farthest it comes after."""
    layers: dict[str, int] = {}
    left = dict(after)
    while left:
        free = [task for task, first in left.items() if not any(f in left for f in first)]
        for task in free or list(left)[:1]:  # a circle is no plan, but must not hang a dashboard
            first = [layers[other] for other in left[task] if other in layers]
            layers[task] = max(first, default=-1) + 1
            del left[task]
    return layers


def _edges(after: Mapping[str, Sequence[str]]) -> list[Edge]:
    return [(other, task) for task, first in after.items() for other in dict.fromkeys(first)]


def _columns(after: Mapping[str, Sequence[str]], layers: Mapping[str, int]) -> list[list[_Place]]:
    columns: list[list[_Place]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    linked = {name for edge in _edges(after) for name in edge}
    for task in sorted(after, key=lambda task: task not in linked):
        columns[layers[task]].append(_Place(task))
    for edge in _edges(after):
        for number in range(layers[edge[0]] + 1, layers[edge[1]]):
            columns[number].append(_Place(edge[1], edge, number))
    return columns


def _neighbours(
    columns: Sequence[Sequence[_Place]], after: Mapping[str, Sequence[str]]
) -> dict[_Place, list[_Place]]:
    """What each place is linked with in the column before it."""
    passing = {(number, p.via): p for number, c in enumerate(columns) for p in c if p.via}
    linked: dict[_Place, list[_Place]] = defaultdict(list)
    for number, column in enumerate(columns):
        for place in column:
            edges = [place.via] if place.via else [(f, place.name) for f in after[place.name]]
            for edge in dict.fromkeys(edges):
                linked[place].append(passing.get((number - 1, edge), _Place(edge[0])))
    return linked


def _order(columns: list[list[_Place]], after: Mapping[str, Sequence[str]]) -> None:
    """Sort each column by where its neighbours stand, there and back, so that few lines cross."""
    before = _neighbours(columns, after)
    behind: dict[_Place, list[_Place]] = defaultdict(list)
    for place, linked in before.items():
        for other in linked:
            behind[other].append(place)
    at = {place: n for column in columns for n, place in enumerate(column)}
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            _sort(column, before if forth else behind, at)
            at |= {place: n for n, place in enumerate(column)}


def _sort(
    column: list[_Place], linked: Mapping[_Place, Sequence[_Place]], at: Mapping[_Place, int]
) -> None:
    def key(place: _Place) -> float:
        known = [at[other] for other in linked.get(place, ())]
        return sum(known) / len(known) if known else at[place]

    column.sort(key=key)


def _rows(
    columns: Sequence[Sequence[_Place]], after: Mapping[str, Sequence[str]]
) -> dict[_Place, int]:
    """The row of each place: level with what leads there, and with nothing else that leads on."""
    linked = _neighbours(columns, after)
    most = max(map(len, columns), default=0)
    apart = 1 if most > _CROWDED else 2
    rows: dict[_Place, int] = {}
    leading_on: dict[int, _Place] = {}
    for number, column in enumerate(columns):
        following = 0
        for left, place in zip(range(len(column), 0, -1), column, strict=True):
            before = linked.get(place, ())
            known = [rows[other] for other in before if other in rows]
            wanted = round(sum(known) / len(known)) if known else 0
            row = max(following, min(wanted, (most - left) * apart))
            while row in leading_on and leading_on[row] not in before:
                row += 1
            rows[place], following = row, row + apart
        sources = {other for place in _at(columns, number + 1) for other in linked.get(place, ())}
        leading_on = {rows[place]: place for place in column if place in sources}
    return rows


def _at(columns: Sequence[Sequence[_Place]], number: int) -> Sequence[_Place]:
    return columns[number] if number < len(columns) else ()


class _Hop(NamedTuple):
    """One edge between two columns: from row to row, on the track of its source."""

    edge: Edge
    source: _Place
    start: int
    end: int


def _lay(
    columns: Sequence[Sequence[_Place]],
    rows: Mapping[_Place, int],
    widths: Sequence[int],
    after: Mapping[str, Sequence[str]],
) -> Drawing:
    nodes: dict[str, Node] = {}
    cells: dict[Edge, Cells] = {edge: {} for edge in _edges(after)}
    linked = _neighbours(columns, after)
    left = 0
    for number, column in enumerate(columns):
        if number:
            hops = [hop for place in column for hop in _hops(place, linked, rows)]
            left = _channel(hops, left, cells)
        for place in column:
            row = rows[place]
            if place.via:
                _run(cells[place.via], row, left, left + widths[number] - 1)
            else:
                nodes[place.name] = Node(place.name, left, row, widths[number])
        left += widths[number]
    return Drawing(nodes, cells, left, max(rows.values(), default=-1) + 1)


def _hops(
    place: _Place, linked: Mapping[_Place, Sequence[_Place]], rows: Mapping[_Place, int]
) -> Iterable[_Hop]:
    for source in linked.get(place, ()):
        edge = place.via or source.via or (source.name, place.name)
        yield _Hop(edge, source, rows[source], rows[place])


def _channel(hops: Sequence[_Hop], left: int, cells: dict[Edge, Cells]) -> int:
    """Draw the lines between two columns; where the next column begins."""
    tracks = _tracks(hops)
    right = left + max(tracks.values(), default=0) + 3
    for hop in hops:
        x = left + 1 + tracks[hop.source]
        path = cells[hop.edge]
        _run(path, hop.start, left, x, last=Way.WEST)
        _fall(path, x, hop.start, hop.end)
        _run(path, hop.end, x, right, first=Way.EAST)
    return right + 1


def _tracks(hops: Sequence[_Hop]) -> dict[_Place, int]:
    """A track for each source, so that no two on one track meet.

    A line that ends in the row of another source comes in to the right of where that one's leave.
    """
    spans: dict[_Place, tuple[int, int]] = {}
    for hop in hops:
        low, high = spans.get(hop.source, (hop.start, hop.start))
        spans[hop.source] = min(low, hop.end), max(high, hop.end)
    starts = {hop.start: hop.source for hop in hops}
    right_of: dict[_Place, set[_Place]] = {source: set() for source in spans}
    for hop in hops:
        if starts.get(hop.end, hop.source) is not hop.source:
            right_of[hop.source].add(starts[hop.end])
    tracks: dict[_Place, int] = {}
    while left := [source for source in spans if source not in tracks]:
        source = next((s for s in left if right_of[s] <= tracks.keys()), left[0])
        low, high = spans[source]
        least = max((tracks[other] + 1 for other in right_of[source] if other in tracks), default=0)
        meeting = {tracks[o] for o in tracks if spans[o][0] <= high and low <= spans[o][1]}
        tracks[source] = next(n for n in count(least) if n not in meeting)
    return tracks


def _run(
    path: Cells, y: int, left: int, right: int, *, first: Way | None = None, last: Way | None = None
) -> None:
    """A level line from ``left`` to ``right``; its ends may lead one way only."""
    for x in range(left, right + 1):
        ways = Way.EAST | Way.WEST
        if x == left and first is not None:
            ways = first
        if x == right and last is not None:
            ways = last
        path[x, y] = path.get((x, y), Way(0)) | ways


def _fall(path: Cells, x: int, start: int, end: int) -> None:
    """An upright line between two rows."""
    low, high = sorted((start, end))
    for y in range(low, high + 1):
        ways = (Way.NORTH if y > low else Way(0)) | (Way.SOUTH if y < high else Way(0))
        path[x, y] = path.get((x, y), Way(0)) | ways

"""What must come before what: order, levels, reach and simultaneity.

Everything is counted in bits: a set of tasks is an int with a bit for each position, so that a
plan of 1,000 tasks costs a thousand ors and nothing is cubic. No walk recurses; a chain may be
as long as the plan. ``cycles`` takes any edges, the rest wants them free of cycles.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.plan.model import Check, Plan, Service

    Edges = Mapping[str, Sequence[str]]


def cycles(edges: Edges) -> list[tuple[str, ...]]:
    """Circles in ``edges``, each closed by its first name; none shares a name with another.

    At least one is found in every knot of names that depend on one another. Depth-first search
    with three colours; names that are no key are leaves.
    """
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    in_circle: set[str] = set()
    for start in edges:
        for chain in _back_edges(start, edges, done):
            if in_circle.isdisjoint(chain):
                in_circle.update(chain)
                found.append((*chain, chain[0]))
    return found


def _back_edges(start: str, edges: Edges, done: set[str]) -> Iterator[list[str]]:
    """The path of every edge back into the path from ``start``; finished names go to ``done``."""
    if start in done:
        return
    path, position = [start], {start: 0}
    ahead = [iter(edges[start])]
    while path:
        name = next(ahead[-1], None)
        if name is None:
            done.add(path[-1])
            del position[path.pop()]
            ahead.pop()
        elif name in position:
            yield path[position[name] :]
        elif name in edges and name not in done:
            position[name] = len(path)
            path.append(name)
            ahead.append(iter(edges[name]))


def topological(edges: Edges) -> tuple[str, ...]:
    """The keys of ``edges``, what is needed first, else in the order they are given (Kahn).

    Names that are no key are ignored. Raises ValueError when there is a cycle.
    """
    names = list(edges)
    position = {name: number for number, name in enumerate(names)}
    needs = [{position[need] for need in edges[name] if need in position} for name in names]
    wanted_by: list[list[int]] = [[] for _ in names]
    for number, needed in enumerate(needs):
        for need in needed:
            wanted_by[need].append(number)
    missing = [len(needed) for needed in needs]
    ready = [number for number, count in enumerate(missing) if count == 0]
    order: list[str] = []
    while ready:
        number = heapq.heappop(ready)
        order.append(names[number])
        for wanting in wanted_by[number]:
            missing[wanting] -= 1
            if missing[wanting] == 0:
                heapq.heappush(ready, wanting)
    if len(order) < len(names):
        raise ValueError("the graph has a cycle")
    return tuple(order)


def check_closure(
    checks: Mapping[str, Check] | Mapping[str, Service], wanted: Iterable[str]
) -> tuple[str, ...]:
    """``wanted`` with everything these checks, or services, need, in an order in which they may run."""
    found: dict[str, tuple[str, ...]] = {}
    open_ = list(wanted)
    while open_:
        name = open_.pop()
        if name not in found:
            found[name] = checks[name].needs
            open_ += checks[name].needs
    return topological({name: found[name] for name in checks if name in found})


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """The tasks of a plan by what they come after.

    ``names`` are in the order of the file and ``order`` in one that respects ``after``.
    ``before[n]`` and ``behind[n]`` are the sets (bits of positions in ``names``) of what task
    ``n`` waits for and of what waits for it, directly or not.
    """

    names: tuple[str, ...]
    order: tuple[str, ...]
    after: Mapping[str, Sequence[str]]
    before: tuple[int, ...]
    behind: tuple[int, ...]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The graph of a plan that was loaded, which is free of cycles."""
        after = {task.id: task.after for task in plan.tasks}
        names, order = tuple(after), topological(after)
        before, behind = _reach(names, order, after)
        return cls(names, order, after, before, behind)

    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The tasks by the longest chain before them: each level could run at once."""
        level: dict[str, int] = {}
        for name in self.order:
            level[name] = max((level[need] + 1 for need in self.after[name]), default=0)
        rows: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
        for name in self.names:
            rows[level[name]].append(name)
        return tuple(tuple(row) for row in rows)

    def dependants(self, name: str) -> tuple[str, ...]:
        """Everything that waits for ``name``, directly or not, in the order of the file."""
        return tuple(self.names[n] for n in positions(self.behind[self.names.index(name)]))

    def dependencies(self, name: str) -> tuple[str, ...]:
        """Everything ``name`` waits for, directly or not, in the order of the file."""
        return tuple(self.names[n] for n in positions(self.before[self.names.index(name)]))

    def beside(self, number: int) -> int:
        """The tasks (as bits) that may run at the same time as the one at ``number``."""
        everything = (1 << len(self.names)) - 1
        return everything & ~(self.before[number] | self.behind[number] | 1 << number)

    def concurrent_pairs(self) -> Iterator[tuple[str, str]]:
        """Every two tasks that may run at the same time, each pair once."""
        for number, name in enumerate(self.names):
            for other in positions(self.beside(number) >> number + 1):
                yield name, self.names[number + 1 + other]


def positions(bits: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _reach(
    names: Sequence[str], order: Sequence[str], after: Edges
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    position = {name: number for number, name in enumerate(names)}
    before, behind = [0] * len(names), [0] * len(names)
    for name in order:
        for need in after[name]:
            before[position[name]] |= before[position[need]] | 1 << position[need]
    for name in reversed(order):
        for need in after[name]:
            behind[position[need]] |= behind[position[name]] | 1 << position[name]
    return tuple(before), tuple(behind)

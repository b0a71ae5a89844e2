"""Fields of the plan format whose behaviour comes with a later version.

They are known to the model and to the schema, and their values are checked; a plan that uses
one is refused with a sentence, since a criterion that is silently ignored is a lie. Whoever
builds the behaviour takes the row out of the table: nothing else has to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.plan.diagnostics import Problem
from orchestrator.plan.quoting import quoted
from orchestrator.plan.subjects import sentence_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.plan.document import Item, Loc

LATER_AGENTS = frozenset({"codex", "acp"})
"""Agent types that will be built in."""


@dataclass(frozen=True, slots=True)
class Later:
    """A field (``*``: every task, check or agent), what use of it is, and what to do instead."""

    path: tuple[str, ...]
    is_used: Callable[[Any], bool]
    mend: str


def _more_than(least: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and value > least


_LATER_AGENT = "use 'command' with its command line"


def _is_later_agent(value: Any) -> bool:
    return isinstance(value, str) and value in LATER_AGENTS


LATER: tuple[Later, ...] = (
    Later(("tasks", "*", "variants"), _more_than(1), "remove it; one session works on a task"),
    Later(("tasks", "*", "agents"), bool, "name one, as agent"),
    Later(("agents", "*", "type"), _is_later_agent, _LATER_AGENT),
)


def later_problems(root: Item) -> Iterator[Problem]:
    """A problem for each use of what comes later."""
    for later in LATER:
        for loc, item in _reached(root, later.path):
            if later.is_used(item.data):
                yield _refused(loc, item, root, later.mend)
    profiles = root.field("agents").fields
    for path in (("agent",), ("tasks", "*", "agent")):
        for loc, item in _reached(root, path):
            if _is_later_agent(item.data) and item.text not in profiles:
                yield _refused(loc, item, root, _LATER_AGENT)


def _refused(loc: Loc, item: Item, root: Item, mend: str) -> Problem:
    value = f" {quoted(item.text)}" if item.text else ""
    return Problem(
        item.spot, sentence_at(loc, root, f"{value} comes with a later version; {mend}".strip())
    )


def _reached(root: Item, path: tuple[str, ...]) -> Iterator[tuple[Loc, Item]]:
    """Every value at ``path``, with its place."""
    reached: list[tuple[tuple[int | str, ...], Item]] = [((), root)]
    for step in path:
        if step == "*":
            reached = [((*loc, key), part) for loc, item in reached for key, part in item.parts()]
        else:
            reached = [
                ((*loc, step), item.field(step)) for loc, item in reached if step in item.fields
            ]
    yield from reached

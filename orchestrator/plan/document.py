"""A plan file as a tree in which every value knows where it stands.

``Item`` is one value; asking it for what is not there gives ``NOTHING``, which is empty in every
respect, so that rules about names can be checked in a file whose shapes are wrong elsewhere.
Nothing here knows YAML or the plan's fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.plan.diagnostics import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Loc = Sequence[int | str]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One value of the file.

    ``data`` is the plain value (text, number, list, dict) for the model; ``fields`` and
    ``elements`` are its parts as items, ``keys`` where each field's name stands. ``written`` is a
    scalar as it stands in the file; ``reading`` says what YAML made of an unquoted one that it
    does not take for text ("the number 1.1"). ``faults`` are mistakes seen while reading it, each
    with its place; ``unread`` says that there is no value because of one.
    """

    spot: Spot
    data: Any = None
    fields: Mapping[str, Item] = field(default_factory=dict)
    keys: Mapping[str, Spot] = field(default_factory=dict)
    elements: tuple[Item, ...] = ()
    written: str = ""
    reading: str = ""
    faults: tuple[tuple[Spot, str], ...] = ()
    unread: bool = False

    def field(self, name: str) -> Item:
        """The value of a field; NOTHING when there is none, or this is no mapping."""
        return self.fields.get(name, NOTHING)

    @property
    def text(self) -> str:
        """The value when it is text; empty otherwise."""
        return self.data if isinstance(self.data, str) else ""

    def texts(self) -> list[tuple[str, Spot]]:
        """The elements that are text, each with its place."""
        return [(each.data, each.spot) for each in self.elements if isinstance(each.data, str)]

    def parts(self) -> Iterator[tuple[int | str, Item]]:
        """Fields or elements, each with the step that leads to it."""
        yield from self.fields.items()
        yield from enumerate(self.elements)

    def follow(self, loc: Loc) -> Item:
        """The value at the end of ``loc``, as far as it leads; unknown steps are passed over."""
        item = self
        for step in loc:
            item = item.step(step) or item
        return item

    def step(self, step: int | str) -> Item | None:
        """The field or element one step down; None when there is none."""
        if isinstance(step, str):
            return self.fields.get(step)
        return self.elements[step] if step < len(self.elements) else None


NOTHING = Item(Spot(1, 1))

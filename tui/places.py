"""Where a person can go from anywhere: the board, the queue, the dependencies, where time went.

Data, as the orders are: the app binds the keys, the palette and the help read the same table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One screen, and the key that leads to it."""

    name: str
    key: str
    label: str
    tooltip: str


HOME = Place("board", "b", "Board", "Every task")

PLACES: dict[str, Place] = {
    place.name: place
    for place in (
        Place("queue", "u", "Queue", "What is in line to land, and what it waits for"),
        Place("graph", "d", "Graph", "What depends on what, drawn"),
        Place("time", "t", "Time", "Where time went, and which checks are slow"),
    )
}

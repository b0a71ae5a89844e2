"""Each block into its tray, over the others, in steps that the joints can follow."""

from __future__ import annotations

from math import acos, atan2, ceil, degrees, hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arm.client import Arm

LINK, HEIGHT, SAFE, STEP = 0.4, 0.3, 0.15, 14.0
WAYS = ((0.55, 0.30), (0.45, 0.68))


def sort(arm: Arm) -> None:
    for start, end in WAYS:
        carry(arm, start, end)


def carry(arm: Arm, start: float, end: float) -> None:
    for x, closed in ((start, True), (end, False)):
        go(arm, x, SAFE)
        go(arm, x, 0.01)
        arm.grip(closed=closed)
        go(arm, x, SAFE)


def go(arm: Arm, x: float, y: float) -> None:
    state, goal = arm.state(), angles(x, y)
    start = (state["shoulder"], state["elbow"])
    count = max(1, ceil(max(abs(b - a) for a, b in zip(start, goal, strict=True)) / STEP))
    for step in range(1, count + 1):
        arm.move(*(a + (b - a) * step / count for a, b in zip(start, goal, strict=True)))


def angles(x: float, y: float) -> tuple[float, float]:
    """The joints' angles, in degrees, at which the gripper is at (x, y); the elbow is up."""
    reach = hypot(x, y - HEIGHT)
    bent = acos((reach**2 - 2 * LINK**2) / (2 * LINK**2))
    return degrees(atan2(y - HEIGHT, x) + bent / 2), -degrees(bent)

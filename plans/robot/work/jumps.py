"""Each block into its tray."""

from __future__ import annotations

from math import acos, atan2, degrees, hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arm.client import Arm

LINK, HEIGHT = 0.4, 0.3
WAYS = ((0.55, 0.30), (0.45, 0.68))


def sort(arm: Arm) -> None:
    for start, end in WAYS:
        arm.move(*angles(start, 0.0))
        arm.grip(closed=True)
        arm.move(*angles(end, 0.0))
        arm.grip(closed=False)


def angles(x: float, y: float) -> tuple[float, float]:
    """The joints' angles, in degrees, at which the gripper is at (x, y); the elbow is up."""
    reach = hypot(x, y - HEIGHT)
    bent = acos((reach**2 - 2 * LINK**2) / (2 * LINK**2))
    return degrees(atan2(y - HEIGHT, x) + bent / 2), -degrees(bent)

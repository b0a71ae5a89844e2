"""What happens in the cell: an arm with two joints, a gripper, a table with blocks and trays.

Lengths in metres, angles in degrees. Whatever goes wrong is an incident: the move is refused, or the
damage is done, and either way it is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, hypot, radians, sin

LINK = 0.4
SHOULDER_HEIGHT = 0.3
RANGES = {"shoulder": (-60.0, 120.0), "elbow": (-150.0, 0.0)}
MOST_DEGREES = 15.0
REACH_OF_GRIPPER = 0.02
SOFT_FALL = 0.03
TRAY_RADIUS = 0.02


@dataclass
class Block:
    """A block on the table or in the gripper, and the tray where it belongs."""

    name: str
    x: float
    tray: float
    held: bool = False

    @property
    def is_home(self) -> bool:
        return not self.held and abs(self.x - self.tray) <= TRAY_RADIUS


class Refusal(Exception):
    """The arm does not do that."""


@dataclass
class Cell:
    """Everything there is; ``incidents`` are sentences."""

    joints: dict[str, float] = field(default_factory=lambda: {"shoulder": 90.0, "elbow": -90.0})
    closed: bool = False
    blocks: list[Block] = field(
        default_factory=lambda: [Block("red", 0.55, 0.30), Block("blue", 0.45, 0.68)]
    )
    steps: int = 0
    incidents: list[str] = field(default_factory=list)

    @property
    def gripper(self) -> tuple[float, float]:
        return position(**self.joints)

    def move(self, **goal: float) -> None:
        """Turn both joints, or refuse."""
        self.steps += 1
        for joint, angle in goal.items():
            low, high = RANGES[joint]
            if not low <= angle <= high:
                self._refuse(
                    f"{joint} was to go to {angle:.1f} degrees, {low:.0f} to {high:.0f} is its range"
                )
            turn = abs(angle - self.joints[joint])
            if turn > MOST_DEGREES:
                self._refuse(
                    f"{joint} was to turn {turn:.1f} degrees at once, {MOST_DEGREES:.0f} are possible"
                )
        x, y = position(**goal)
        if y < 0:
            self._refuse(f"the gripper would have hit the table at x = {x:.2f}")
        self.joints = goal
        for block in self.blocks:
            block.x = x if block.held else block.x

    def grip(self, *, closed: bool) -> None:
        """Close the gripper around what is there, or open it above wherever it is."""
        self.steps += 1
        x, y = self.gripper
        if closed and not self.closed:
            near = [b for b in self.blocks if hypot(b.x - x, y) <= REACH_OF_GRIPPER]
            if not near:
                self._note(f"the gripper closed around nothing at ({x:.2f}, {y:.2f})")
            for block in near[:1]:
                block.held = True
        if not closed:
            for block in self.blocks:
                if block.held and y > SOFT_FALL:
                    self._note(f"the {block.name} block fell from {y:.2f} m")
                block.held = False
        self.closed = closed

    def _note(self, what: str) -> None:
        self.incidents.append(f"step {self.steps}: {what}")

    def _refuse(self, what: str) -> None:
        self._note(what)
        raise Refusal(what)


def position(shoulder: float, elbow: float) -> tuple[float, float]:
    """Where the gripper is with the joints at these angles."""
    upper, lower = radians(shoulder), radians(shoulder + elbow)
    return LINK * (cos(upper) + cos(lower)), SHOULDER_HEIGHT + LINK * (sin(upper) + sin(lower))

"""Screens as pictures that are the same on every machine and at every time.

``export_screenshot`` gives every drawing an id of its own and names a font of the web; both are
taken out. A picture that is missing or wanted anew is written with ``CLERK_SNAPSHOTS=write``.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tui" / "snapshots"


def normal(svg: str) -> str:
    """The drawing without what differs from run to run, an element a line."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*\n\s*", "\n", svg.replace("><", ">\n<"))
    return svg.strip() + "\n"


def differences(name: str, svg: str) -> list[str]:
    """How a screen differs from its picture, in lines; empty when it does not."""
    place, drawn = FOLDER / f"{name}.svg", normal(svg)
    if os.environ.get("CLERK_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        place.write_text(drawn, "utf-8")
    known = place.read_text("utf-8") if place.exists() else ""
    wanted, shown = known.splitlines(), drawn.splitlines()
    return list(difflib.unified_diff(wanted, shown, str(place), "what is shown", n=0, lineterm=""))

"""The sample repository: the files of ``plans/shop/sample`` as one commit on ``main``.

Made in one step or not at all: it is built beside its place and renamed into it, so that a run
that was killed while building starts anew and any later one carries on in what is there.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from shop_demo.git import git

SHOP = Path(__file__).resolve().parents[2] / "plans" / "shop"
PLAN = SHOP / "plan.yaml"
NAME = "shop"


def make_sample(folder: Path) -> Path:
    """The sample's repository inside ``folder``, made now unless it is there already."""
    place = folder / NAME
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=folder) as workshop:
            _build(Path(workshop) / NAME).rename(place)
    return place


def _build(place: Path) -> Path:
    shutil.copytree(SHOP / "sample", place, ignore=shutil.ignore_patterns("__pycache__"))
    git(place, "init", "--quiet", "--template=", "--initial-branch=main")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message=The tea shop opens")
    return place

"""The demo's own package lives in scripts/, beside the shell script that starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from demo.builders import Site
from shop_demo.sample import make_sample


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A fresh sample repository, as scripts/demo makes it."""
    return make_sample(tmp_path)


@pytest.fixture
def site(shop: Path) -> Site:
    """The same, with hands that do what the replayed agents do."""
    return Site(shop)

"""A yard whose proven tasks go to a forge."""

from __future__ import annotations

import pytest
from e2e.conftest import yard  # noqa: F401 - a fixture
from handover.forge import Forge


@pytest.fixture
def forge(yard) -> Forge:  # noqa: F811 - the fixture
    return Forge.make(yard)

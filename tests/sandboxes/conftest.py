"""What the tests of sandboxes need: asyncio, and the tools that must not be missed silently."""

import os
import shutil

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def needed(program: str) -> str:
    """Where ``program`` is; without it a test is left out, but fails in CI."""
    found = shutil.which(program)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    return found


@pytest.fixture
def bwrap() -> str:
    return needed("bwrap")

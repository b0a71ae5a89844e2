"""What the tests of sandboxes need: asyncio, and the tools that must not be missed silently."""

import shutil
from typing import NoReturn

import pytest

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def bwrap() -> str:
    return shutil.which("bwrap") or leave_out("bwrap is not installed")


@pytest.fixture
def system_python() -> str:
    """A Python that every user may run."""
    return shutil.which("python3", path=SYSTEM_PATH) or leave_out("the system has no python3")


def leave_out(why: str) -> NoReturn:
    """Leave the test out; where everything is to be tested, ``demands`` has it fail."""
    pytest.skip(why)

"""What the tests of processes need: an event loop of asyncio, a complete environment."""

import os
import shutil
from collections.abc import Iterator

import pytest

from orchestrator.sandboxes.bubblewrap import Bubblewrap
from orchestrator.supervision import orphans


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def env() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@pytest.fixture
def adopting() -> Iterator[None]:
    """This process adopts orphans, as the engine does, for one test."""
    if not orphans.adopt_orphans(f"test.{os.getpid()}"):
        pytest.skip("only Linux lets a process adopt orphans")
    yield
    orphans.disown_orphans()


@pytest.fixture
def bubblewrap() -> Bubblewrap:
    """The real sandbox."""
    if shutil.which("bwrap") is None:
        pytest.skip("bwrap is not installed")
    return Bubblewrap()

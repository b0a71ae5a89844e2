"""What the tests of adapters need: a prompt in folders of its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.agents.protocol import Prompt


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def prompt(tmp_path: Path) -> Callable[..., Prompt]:
    """A prompt for task 'cart' in a folder whose name a shell would trip over."""
    folder = tmp_path / "it's a; folder"
    for name in ("worktree", "plan"):
        (folder / name).mkdir(parents=True)
    path = folder / "prompt.md"
    path.write_text("do it")
    plain = Prompt("do it", path, "shop", "cart", 1, folder / "worktree", folder / "plan")
    return lambda **changes: replace(plain, **changes)

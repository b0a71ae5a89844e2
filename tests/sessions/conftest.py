"""Sessions with agents that are shell lines: as real as any, and exactly as bad as wanted."""

import os
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from orchestrator import executors, sandboxes
from orchestrator.agents.command import CommandAgent
from orchestrator.agents.protocol import Agent, AgentEvent, Prompt
from orchestrator.plan.model import AgentProfile
from orchestrator.results import SessionResult
from orchestrator.sandboxes import Confinement
from orchestrator.sandboxes.enclosure import Enclosure
from orchestrator.sessions.session import run_session

Run = Callable[..., Awaitable[SessionResult]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def env() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


@pytest.fixture
def events() -> list[AgentEvent]:
    """What the session under test has told."""
    return []


@pytest.fixture
def run(tmp_path: Path, env: dict[str, str], events: list[AgentEvent]) -> Run:
    """Run a session of a shell line, or of an adapter, under limits that do not bite."""
    (tmp_path / "worktree").mkdir()
    (tmp_path / "prompt.md").write_text("do it")

    async def session(agent: str | Agent, **changes: object) -> SessionResult:
        if isinstance(agent, str):
            agent = CommandAgent(AgentProfile(type="command", run=agent))
        worktree = tmp_path / "worktree"
        unconfined = Confinement(sandboxes.load("none"), Enclosure("shop/cart"))
        prompt = Prompt("do it", tmp_path / "prompt.md", "shop", "cart", 1, worktree, tmp_path)
        given: dict[str, object] = {
            "agent": agent,
            "prompt": prompt,
            "executor": executors.load("local"),
            "connect": lambda _gateway: nullcontext(unconfined),
            "env": env,
            "cwd": worktree,
            "log": tmp_path / "logs" / "session.log",
            "cookie": "cart-1",
            "wall_seconds": 60.0,
            "idle_seconds": 60.0,
            "tokens_left": None,
            "cost_left": None,
            "on_event": events.append,
        }
        return await run_session(**{**given, **changes})  # type: ignore[arg-type]

    return session

"""A yard whose agent is the real Claude Code, and a model that says what the test wrote down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.conftest import Yard
from real_agents.client_install import claude_folder
from real_agents.model_stub import ModelStub, serving

QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
}


@dataclass(frozen=True)
class ClaudeYard(Yard):
    """One task, "mend", and Claude Code to do it; nothing of the caller's own account is in it."""

    client: Path
    model: ModelStub

    def env(self, **more: str) -> dict[str, str]:
        """Only what is said here: the caller may be an agent with a key and settings itself."""
        path = f"{self.client}:{os.environ['PATH']}"
        own = {"PATH": path, "LANG": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null"}
        own["CLERK_SANDBOX"] = "none"
        return {**own, "HOME": str(self.home), **more}

    def claude_plan(self, *, env: dict[str, str] | None = None, **more) -> Path:
        """A plan for the one task; ``env`` of the profile beside what every session needs."""
        agent_home = self.home / "agent"
        agent_home.mkdir(exist_ok=True)
        given = {
            "HOME": str(agent_home),
            "CLAUDE_CODE_TMPDIR": str(agent_home),
            "ANTHROPIC_BASE_URL": self.model.url,
            "ANTHROPIC_API_KEY": "sk-ant-made-up",
            **QUIET,
            **(env or {}),
        }
        agents = {"claude": {"type": "claude", "env": given}}
        return self.plan({"mend": ":"}, agent="claude", agents=agents, **more)

    def attempts(self) -> list[dict]:
        """The sessions of the task, as ``clerk status mend --json`` tells."""
        return json.loads(self.clerk("status", "mend", "--json").stdout)["attempts"]

    def transcript(self, session: int) -> str:
        return (self.state / f"logs/p/mend/{session}/transcript.log").read_text()

    def remembers(self, text: str) -> bool:
        """Whether the client has put on disk that somebody said so, to go on from."""
        kept = (self.home / "agent/.claude/projects").rglob("*.jsonl")
        return any(text in file.read_text("utf-8", "replace") for file in kept)

    def alive(self) -> dict[int, str]:
        """Processes that carry this yard in their environment, by number, with their command."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environ = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(self.home) in environ:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode()
        return found


@pytest.fixture(scope="session")
def client() -> Path:
    """Where the real ``claude`` is."""
    return claude_folder()


@pytest.fixture
def model() -> Iterator[ModelStub]:
    """A model on the loopback."""
    with serving() as stub:
        yield stub


@pytest.fixture
def yard(tmp_path: Path, client: Path, model: ModelStub) -> Iterator[ClaudeYard]:
    """A yard, and no engine in it when the test is over."""
    plain = Yard.make(tmp_path / "a repo")
    made = ClaudeYard(plain.path, plain.home, client, model)
    yield made
    made.end_engine()

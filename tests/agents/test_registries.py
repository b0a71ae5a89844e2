"""Plug-ins are found by short name or dotted path, and an unknown name is answered with names."""

import subprocess
import sys

import pytest

from orchestrator import agents, executors, sandboxes
from orchestrator.errors import UsageError
from orchestrator.plan.model import AgentProfile


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("claude", {}), ("command", {"run": "x"}), ("replay", {"script": "x"})],
)
def test_every_built_in_agent_loads(kind: str, fields: dict[str, str]) -> None:
    assert kind in agents.names()
    assert agents.load(AgentProfile(type=kind, **fields)).can_resume in (True, False)  # type: ignore[arg-type]


def test_a_dotted_path_is_accepted() -> None:
    profile = AgentProfile(type="orchestrator.agents.claude:ClaudeAgent")
    assert type(agents.load(profile)).__name__ == "ClaudeAgent"


def test_an_unknown_name_is_answered_with_the_names() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'claude'.*claude, command, replay"):
        agents.load(AgentProfile(type="cluade"))


@pytest.mark.parametrize("path", ["no.such:Thing", "orchestrator.agents.claude:Nothing"])
def test_a_path_that_leads_nowhere_is_named(path: str) -> None:
    with pytest.raises(UsageError, match="cannot be loaded"):
        agents.load(AgentProfile(type=path))


def test_executors_and_sandboxes_have_the_same_door() -> None:
    assert type(executors.load("local")).__name__ == "LocalExecutor"
    assert (sandboxes.load("none").name, sandboxes.load("none").confines) == ("none", False)
    with pytest.raises(UsageError, match="known: bubblewrap, landlock, none, seatbelt"):
        sandboxes.load("nono")


def test_naming_agents_imports_none_of_them() -> None:
    code = (
        "import sys, orchestrator.agents as agents; agents.names(); "
        "print([m for m in sys.modules if m.startswith('orchestrator.agents.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"

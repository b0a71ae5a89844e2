"""Any command line as an agent: quoting, placeholders, what it may tell."""

import subprocess
from collections.abc import Callable

import pytest

from orchestrator.agents.command import CommandAgent
from orchestrator.agents.protocol import Asked, Message, Prompt, RateLimited, UsageReported
from orchestrator.errors import UsageError
from orchestrator.plan.model import AgentProfile
from orchestrator.results import Usage


def agent(run: str, **fields: object) -> CommandAgent:
    return CommandAgent(AgentProfile(type="command", run=run, **fields))  # type: ignore[arg-type]


def printed(line: str, prompt: Prompt, **fields: object) -> str:
    command = agent(line, **fields).command(prompt)
    return subprocess.run(command.argv, check=True, capture_output=True, text=True).stdout


def test_placeholders_arrive_as_one_word_each(prompt: Callable[..., Prompt]) -> None:
    line = "printf '%s\\n' {prompt_file} --in={worktree} {task} {attempt}"
    path, worktree = prompt().path, prompt().worktree
    assert printed(line, prompt()).splitlines() == [str(path), f"--in={worktree}", "cart", "1"]


def test_a_path_cannot_become_a_command(prompt: Callable[..., Prompt]) -> None:
    assert "it's a; folder" in str(prompt().path)
    assert printed("cat {prompt_file}", prompt()) == "do it"


def test_what_the_shell_means_by_braces_is_left_alone(prompt: Callable[..., Prompt]) -> None:
    line = "task=x; echo ${task} a | awk '{print $1}'"
    assert printed(line, prompt()) == "x\n"


def test_arguments_are_quoted(prompt: Callable[..., Prompt]) -> None:
    assert printed("printf '%s\\n'", prompt(), args=["a b", "$HOME"]) == "a b\n$HOME\n"


@pytest.mark.parametrize("line", ["x '{task}'", 'x "{task}"', 'x "it\'s {task}"'])
def test_a_placeholder_in_quotes_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="quoted already"):
        agent(line)


def test_a_misspelt_placeholder_is_refused() -> None:
    with pytest.raises(UsageError, match=r"did you mean \{prompt_file\}"):
        agent("x {promt_file}")


def test_a_command_agent_needs_a_command() -> None:
    """Reached by its dotted path, no plan has looked at its fields before."""
    with pytest.raises(UsageError, match="needs 'run'"):
        CommandAgent(AgentProfile(type="orchestrator.agents.command:CommandAgent"))


def test_the_prompt_may_come_by_stdin(prompt: Callable[..., Prompt]) -> None:
    assert agent("x", prompt="stdin").command(prompt()).stdin == prompt().path
    assert agent("x").command(prompt()).stdin is None


@pytest.mark.parametrize(
    ("line", "events"),
    [
        ("working on it", [Message("working on it")]),
        ("   ", []),
        ('{"clerk": {"input_tokens": 5, "cost_usd": 0.5}}', [UsageReported(Usage(5, 0, 0.5))]),
        ('{"clerk": {"ask": "Which?"}}', [Asked("Which?")]),
        ('{"clerk": {"rate_limited_until": 9}}', [RateLimited(9.0)]),
        ('{"clerk": {"input_tokens": "many"}}', [UsageReported(Usage())]),
        ('{"clerk": {"input_tokens": 1e999}}', [UsageReported(Usage())]),
        ('{"clerk": 3}', [Message('{"clerk": 3}')]),
        ('{"clerk": ', [Message('{"clerk": ')]),
    ],
)
def test_a_line_tells(line: str, events: list[object]) -> None:
    assert list(agent("x").read(line)) == events

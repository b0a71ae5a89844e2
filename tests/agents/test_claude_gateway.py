"""How Claude Code reaches its model without the key: by what the adapter tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.agents import load
from orchestrator.agents.protocol import Prompt
from orchestrator.gateway import Gateway
from orchestrator.plan.model import AgentProfile

KEY, TOKEN = "sk-made-up-key", "made-up-token"


def gateway(prompt: Callable[..., Prompt], environ: dict, profile: dict | None = None):
    agent = load(AgentProfile(type="claude", env=profile or {}))
    return agent.command(prompt(environ=environ)).gateway


def test_a_key_becomes_a_header_and_a_stand_in(prompt: Callable[..., Prompt]) -> None:
    told = gateway(prompt, {"ANTHROPIC_API_KEY": KEY})
    assert isinstance(told, Gateway)
    assert (told.variable, told.upstream) == ("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
    assert told.headers == {"x-api-key": KEY}
    assert list(told.stand_ins) == ["ANTHROPIC_API_KEY"]
    assert KEY not in repr((told, prompt(environ={"ANTHROPIC_API_KEY": KEY})))
    assert KEY not in told.stand_ins.values()


def test_a_token_becomes_a_bearer_for_the_users_own_service(prompt: Callable[..., Prompt]) -> None:
    own = {"ANTHROPIC_AUTH_TOKEN": TOKEN, "ANTHROPIC_BASE_URL": "https://models.example/a"}
    told = gateway(prompt, own)
    assert told is not None
    assert (told.upstream, told.headers) == (
        "https://models.example/a",
        {"authorization": f"Bearer {TOKEN}"},
    )


def test_the_profile_wins_over_the_users_environment(prompt: Callable[..., Prompt]) -> None:
    told = gateway(prompt, {"ANTHROPIC_API_KEY": "other"}, {"ANTHROPIC_API_KEY": KEY})
    assert told is not None
    assert told.headers == {"x-api-key": KEY}


@pytest.mark.parametrize(
    "environ",
    [{}, {"ANTHROPIC_API_KEY": ""}, {"ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_USE_BEDROCK": "1"}],
)
def test_without_a_key_of_its_own_kind_there_is_no_gateway(
    prompt: Callable[..., Prompt], environ: dict
) -> None:
    assert gateway(prompt, environ) is None

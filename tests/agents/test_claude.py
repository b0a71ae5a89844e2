"""Claude Code, by what it really printed (samples of 2.1.330)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agents import load
from orchestrator.agents.claude import ClaudeAgent
from orchestrator.agents.protocol import (
    AgentEvent,
    Asked,
    Failed,
    Prompt,
    RateLimited,
    Started,
    ToolCall,
    UsageReported,
)
from orchestrator.errors import UsageError
from orchestrator.plan.model import AgentProfile
from orchestrator.results import SessionResult
from orchestrator.sessions.hearing import Hearing, result_of
from orchestrator.states import Outcome
from orchestrator.supervision.job import Exit

SAMPLES = Path(__file__).with_name("samples")


def agent(**fields: object) -> ClaudeAgent:
    return ClaudeAgent(AgentProfile(type="claude", **fields))  # type: ignore[arg-type]


def events(sample: str) -> list[AgentEvent]:
    reader = agent()
    lines = (SAMPLES / f"{sample}.jsonl").read_text().splitlines()
    return [event for line in lines for event in reader.read(line)]


def replayed(sample: str, exit_: Exit) -> SessionResult:
    hearing = Hearing(None, None)
    for event in events(sample):
        hearing.hear(event, 0.0)
    return result_of(hearing, exit_, 1.0, "")


KILLED, FAILED, DONE = Exit(signal=9), Exit(1), Exit(0)

ENDINGS = {
    "ok": (DONE, Outcome.COMPLETED, 3420, 0.01608),
    "partial": (DONE, Outcome.COMPLETED, 3420, 0.01608),
    "oauth-warn": (DONE, Outcome.COMPLETED, 4738, 0.009484),
    "deny-dontask": (DONE, Outcome.COMPLETED, 8323, 0.035852),
    "err-429x1": (DONE, Outcome.COMPLETED, 6531, 0.027412),
    "bg": (KILLED, Outcome.COMPLETED, 6486, 0.027024),
    "resume-2": (DONE, Outcome.COMPLETED, 6622, 0.0276),
    "sj-multiturn": (DONE, Outcome.COMPLETED, 12948, 0.054432),
    "budget": (FAILED, Outcome.FAILED, 615_000, 2.7),
    "maxturns": (FAILED, Outcome.FAILED, 13845, 0.055572),
    "resume-missing": (FAILED, Outcome.FAILED, 0, 0.0),
    "err-400": (FAILED, Outcome.FAILED, 0, 0.0),
    "err-401": (KILLED, Outcome.FAILED, 0, 0.0),
    "err-noserver": (FAILED, Outcome.FAILED, 0, 0.0),
    "err-429-unified": (FAILED, Outcome.RATE_LIMITED, 0, 0.0),
    "err-529-retries1": (FAILED, Outcome.RATE_LIMITED, 0, 0.0),
    "oauth-429": (FAILED, Outcome.RATE_LIMITED, 0, 0.0),
    "kill-tool-SIGTERM-pgrp": (Exit(143), Outcome.FAILED, 4639, 0.0),
    "kill-request-SIGINT": (DONE, Outcome.FAILED, 4633, 0.018708),
}


def test_every_sample_has_an_expectation() -> None:
    assert {path.stem for path in SAMPLES.glob("*.jsonl")} == set(ENDINGS)


@pytest.mark.parametrize("sample", ENDINGS)
def test_a_recorded_run_ends_as_it_did(sample: str) -> None:
    exit_, outcome, tokens, cost = ENDINGS[sample]
    result = replayed(sample, exit_)
    assert result.outcome is outcome
    assert result.usage.tokens == tokens
    assert result.usage.cost_usd == pytest.approx(cost)
    assert bool(result.reason) is (outcome is not Outcome.COMPLETED)


def test_a_run_is_told_in_order() -> None:
    first, *rest = events("ok")
    assert first == Started("c36cf065-eb1d-4e81-ad42-85e50f31a6df")
    assert any(isinstance(event, ToolCall) and "git commit" in event.summary for event in rest)
    assert replayed("ok", DONE).message == "All done: a.txt committed."
    assert replayed("ok", DONE).usage.context_share == pytest.approx(3201 / 1_000_000)


def test_the_usage_of_one_message_is_counted_once() -> None:
    told = [event.usage.input_tokens for event in events("ok") if isinstance(event, UsageReported)]
    assert told == [1500, 3300, 3300]


def test_output_is_counted_when_a_message_ends_not_when_the_session_does() -> None:
    told = [event.usage for event in events("partial") if isinstance(event, UsageReported)]
    assert [usage.output_tokens for usage in told] == [1, 90, 91, 120, 120]
    assert [usage.input_tokens for usage in told] == [1500, 1500, 3300, 3300, 3300]


def test_an_answer_the_client_made_up_itself_does_not_empty_the_context() -> None:
    message = {"id": "made-up", "model": "<synthetic>", "usage": {"output_tokens": 0}}
    window = {"modelUsage": {"opus": {"contextWindow": 1000}}}
    reader = agent()
    for line in (
        {"type": "assistant", "message": {"id": "m1", "usage": {"input_tokens": 400}}},
        {"type": "assistant", "message": message},
    ):
        list(reader.read(json.dumps(line)))
    told = list(reader.read(json.dumps({"type": "result", **window})))
    assert [e.usage.context_share for e in told if isinstance(e, UsageReported)] == [0.4]


def test_messages_of_sub_agents_that_are_written_at_once_are_counted_apart() -> None:
    reader = agent()
    used = []
    for kind, parent, tokens in (
        ("message_start", None, 0),
        ("message_start", "toolu_1", 0),
        ("message_delta", None, 70),
        ("message_delta", "toolu_1", 5),
    ):
        event = {
            "type": kind,
            "message": {"id": f"of {parent}"},
            "usage": {"output_tokens": tokens},
        }
        line = {"type": "stream_event", "event": event, "parent_tool_use_id": parent}
        used += [told.usage.output_tokens for told in reader.read(json.dumps(line))]
    assert used == [70, 75]


def test_a_rate_limit_tells_when_it_is_over() -> None:
    result = replayed("oauth-429", FAILED)
    assert result.retry_at == 1795430684
    assert "5-hour limit" in result.reason


def test_a_warning_is_no_limit() -> None:
    assert not [event for event in events("oauth-warn") if isinstance(event, RateLimited)]


def test_a_refused_login_names_the_mend() -> None:
    assert "claude /login" in replayed("err-401", KILLED).reason


def test_a_login_refused_twice_is_final() -> None:
    told = [event.final for event in events("err-401") if isinstance(event, Failed)]
    assert told == [False, *[True] * (len(told) - 1)]
    assert len(told) > 1


def test_an_id_that_could_not_be_resumed_is_not_kept() -> None:
    assert replayed("resume-missing", FAILED).session_id is None


def test_a_question_ends_the_answer() -> None:
    line = {"type": "result", "is_error": False, "result": "Two ways.\nCLERK-ASK: Which one?"}
    assert Asked("Which one?") in list(agent().read(json.dumps(line)))


def test_our_tools_are_offered_on_request_and_the_token_is_on_no_command_line(
    prompt: Callable[..., Prompt],
) -> None:
    assert "--mcp-config" not in agent().command(prompt()).argv
    argv = list(agent(mcp=True).command(prompt()).argv)
    servers = json.loads(argv[argv.index("--mcp-config") + 1])["mcpServers"]
    assert servers["clerk"]["args"] == ["mcp"]
    assert servers["clerk"]["env"]["CLERK_TOKEN"] == "${CLERK_TOKEN}"
    assert argv[argv.index("--allowedTools") + 1].endswith(",mcp__clerk")


def test_the_command_is_headless_and_takes_the_prompt_by_stdin(
    prompt: Callable[..., Prompt],
) -> None:
    command = agent(model="sonnet", args=["--max-turns", "9"], env={"A": "b"}).command(
        prompt(budget_cost_usd=1.5)
    )
    line = " ".join(command.argv)
    assert line.startswith("claude -p --output-format stream-json --verbose ")
    assert "--model sonnet --max-budget-usd 1.5000 --max-turns 9" in line
    assert "do it" not in line
    assert (command.stdin, command.env) == (prompt().path, {"A": "b"})


def test_a_retry_resumes_the_session_within_what_is_left(prompt: Callable[..., Prompt]) -> None:
    argv = list(agent().command(prompt(resume="abc", budget_cost_usd=1.5)).argv)
    assert argv[argv.index("--resume") + 1] == "abc"
    assert argv[argv.index("--max-budget-usd") + 1] == "1.5000"


def test_a_field_it_does_not_understand_is_refused() -> None:
    with pytest.raises(UsageError, match="'claude' has no 'run'"):
        load(AgentProfile(type="claude", run="x"))


KINDS = ("assistant", "system", "result", "rate_limit_event", "init", "api_retry", "rejected")
FIELDS = (
    *("type", "subtype", "message", "content", "usage", "id", "text", "errors", "is_error"),
    *("status", "rate_limit_info", "modelUsage", "model_usage_since_last_result", "resetsAt"),
)
WORDS = st.sampled_from([*KINDS, *FIELDS])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=300)
def test_no_line_of_json_can_break_the_reader(value: object) -> None:
    reader = agent()
    for line in (json.dumps(value), json.dumps(value)[:-1], str(value)):
        list(reader.read(line))


@given(st.dictionaries(WORDS, VALUES, max_size=5), st.sampled_from(["assistant", "result"]))
@settings(max_examples=200)
def test_no_field_of_a_known_line_can_break_the_reader(
    fields: dict[str, object], kind: str
) -> None:
    list(agent().read(json.dumps({**fields, "type": kind})))


def test_an_agent_that_makes_up_messages_without_end_takes_no_memory() -> None:
    reader = agent()
    told: list[AgentEvent] = []
    for number in range(1000):
        usage = {"input_tokens": 3, "output_tokens": 1}
        for name in (f"m{number}", f"{number}{'m' * 1000}"):
            message = {"id": name, "usage": usage}
            told += reader.read(json.dumps({"type": "assistant", "message": message}))
            start = {"type": "message_start", "message": message}
            line = {"type": "stream_event", "event": start, "parent_tool_use_id": name}
            told += reader.read(json.dumps(line))
    last = told[-1]
    assert isinstance(last, UsageReported)
    assert (last.usage.input_tokens, last.usage.output_tokens) == (3000, 1000)
    assert sum(map(len, reader._streamed)) + sum(map(len, reader._messages)) < 100_000


def test_a_name_of_a_session_is_one_word() -> None:
    for name in ("--mcp-config=x", "a b", "x" * 1000):
        line = {"type": "system", "subtype": "init", "session_id": name}
        assert not list(agent().read(json.dumps(line)))

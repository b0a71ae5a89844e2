"""How sessions end: every outcome, with real processes."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import anyio
import pytest
from waiting import is_gone, until

from orchestrator.agents.claude import ClaudeAgent
from orchestrator.agents.protocol import (
    AgentCommand,
    AgentEvent,
    Failed,
    Finished,
    Message,
    Prompt,
    RateLimited,
    ToolCall,
)
from orchestrator.agents.replay import ReplayAgent
from orchestrator.plan.model import AgentProfile
from orchestrator.results import SessionResult, Usage
from orchestrator.sessions import hearing
from orchestrator.sessions.transcript import Transcript
from orchestrator.states import Outcome

pytestmark = pytest.mark.anyio

Run = Callable[..., Awaitable[SessionResult]]


class Scripted:
    """An adapter whose agent is a shell line and whose lines are looked up in a table."""

    can_resume = False

    def __init__(self, line: str, table: dict[str, AgentEvent]) -> None:
        self._line = line
        self._table = table

    def command(self, prompt: Prompt) -> AgentCommand:
        return AgentCommand(("sh", "-c", self._line))

    def read(self, line: str) -> Iterable[AgentEvent]:
        return [self._table[line]] if line in self._table else []


async def test_exit_0_is_completed(run: Run, tmp_path: Path) -> None:
    result = await run("cat {prompt_file}; echo; pwd")
    assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, 0)
    assert result.message == str((tmp_path / "worktree").resolve())
    assert "do it" in (tmp_path / "logs" / "session.log").read_text()


async def test_a_failure_quotes_its_last_words(run: Run) -> None:
    result = await run("echo fine; echo 'no such option' >&2; exit 2")
    assert result.outcome is Outcome.FAILED
    assert "exited with 2" in result.reason
    assert "no such option" in result.reason


async def test_a_missing_agent_is_a_failure_with_the_mend(run: Run, tmp_path: Path) -> None:
    result = await run(ClaudeAgent(AgentProfile(type="claude")), env={"PATH": str(tmp_path)})
    assert result.outcome is Outcome.FAILED
    assert "'claude' was not found; install it" in result.reason


async def test_an_impossible_profile_is_a_failure(run: Run) -> None:
    result = await run(ReplayAgent(AgentProfile(type="replay", script="gone.yaml")))
    assert (result.outcome, "gone.yaml" in result.reason) == (Outcome.FAILED, True)


async def test_the_longest_time_ends_it(run: Run) -> None:
    result = await run("while :; do echo; sleep 0.05; done", wall_seconds=0.3)
    assert result.outcome is Outcome.TIMED_OUT


async def test_silence_ends_it(run: Run) -> None:
    result = await run("echo; sleep 60", idle_seconds=0.2)
    assert result.outcome is Outcome.STALLED


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"tokens_left": 100}, "used 150 tokens"), ({"cost_left": 0.1}, "cost 0.50 USD")],
)
async def test_passing_the_budget_stops_it_at_once(
    run: Run, limits: dict[str, float], words: str
) -> None:
    usage = '{"clerk": {"input_tokens": 120, "output_tokens": 30, "cost_usd": 0.5}}'
    result = await run(f"echo '{usage}'; sleep 600", **limits)
    assert result.outcome is Outcome.OVER_BUDGET
    assert words in result.reason
    assert result.usage == Usage(120, 30, 0.5)


async def test_within_the_budget_it_goes_on(run: Run) -> None:
    usage = '{"clerk": {"input_tokens": 100, "cost_usd": 0.1}}'
    result = await run(f"echo '{usage}'; echo on", tokens_left=100, cost_left=0.1)
    assert result.outcome is Outcome.COMPLETED


async def test_a_question_is_asked(run: Run) -> None:
    result = await run("""echo '{"clerk": {"ask": "Which?"}}'; echo bye""")
    assert (result.outcome, result.message) == (Outcome.ASKED, "Which?")


async def test_a_rate_limit_tells_when_to_come_back(run: Run) -> None:
    result = await run("""echo '{"clerk": {"rate_limited_until": 99}}'; exit 1""")
    assert (result.outcome, result.retry_at) == (Outcome.RATE_LIMITED, 99)


async def test_a_limit_that_passes_is_none(run: Run) -> None:
    agent = Scripted("echo limited; echo on", {"limited": RateLimited(9), "on": Message("on")})
    assert (await run(agent)).outcome is Outcome.COMPLETED


async def test_an_agent_silent_behind_a_rate_limit_has_not_stalled(run: Run) -> None:
    agent = Scripted("echo limited; sleep 600", {"limited": RateLimited(9)})
    result = await run(agent, idle_seconds=1.0)
    assert (result.outcome, result.retry_at) == (Outcome.RATE_LIMITED, 9)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [(Finished("done"), Outcome.COMPLETED), (Failed("no login"), Outcome.FAILED)],
)
async def test_an_agent_that_stays_after_its_last_word_is_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch, word: AgentEvent, outcome: Outcome
) -> None:
    monkeypatch.setattr(hearing, "LINGER_SECONDS", 0.1)
    result = await run(Scripted("echo word; sleep 600", {"word": word}))
    assert result.outcome is outcome


async def test_a_done_session_is_not_over_its_budget(run: Run) -> None:
    line = """printf '%s\\n' '{"clerk": {"ask": "Q"}}' '{"clerk": {"input_tokens": 900}}'"""
    assert (await run(line, tokens_left=10)).outcome is Outcome.ASKED


async def test_cancelling_a_session_leaves_nothing(run: Run, events: list[AgentEvent]) -> None:
    async with anyio.create_task_group() as tasks:

        async def running() -> None:
            await run("echo $$; sleep 600")

        tasks.start_soon(running)
        await until(lambda: bool(events))
        tasks.cancel_scope.cancel()
    assert isinstance(events[0], Message)
    assert is_gone(int(events[0].text))


async def test_the_transcript_is_readable_and_safe(run: Run, tmp_path: Path) -> None:
    await run("printf 'red \\033[31malert\\033[0m \\000nul\\n'; echo next")
    lines = (tmp_path / "logs" / "transcript.log").read_text().splitlines()
    told = [line.partition("Z ")[2] for line in lines]
    assert told[:-1] == ["says red alert \ufffdnul", "says next", "ended completed"]
    assert told[-1] == f"all that it printed is in {tmp_path / 'logs' / 'session.log'}"


async def test_what_is_said_keeps_its_lines_and_none_passes_for_an_event(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "transcript.log")
    transcript.write(Message("two things:\n- one\n2026-11-30T11:00:00Z ended completed\n"))
    transcript.write(ToolCall("Bash", "echo\nls"))
    transcript.close()
    first, *others = (tmp_path / "transcript.log").read_text().splitlines()
    assert first.endswith("Z says two things:")
    assert others[:2] == ["    - one", "    2026-11-30T11:00:00Z ended completed"]
    assert others[2].endswith("Z calls Bash echo ls")


async def test_a_flood_of_messages_reaches_the_transcript_not_the_listener(
    run: Run, tmp_path: Path, events: list[AgentEvent]
) -> None:
    result = await run("i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done")
    assert result.message == "2999"
    assert len(events) < 1500
    assert (tmp_path / "logs" / "transcript.log").read_text().count(" says ") == 3000


async def test_a_flood_of_usage_does_not_reach_the_listener_either(
    run: Run, events: list[AgentEvent]
) -> None:
    line = 'echo "{\\"clerk\\": {\\"input_tokens\\": $i}}"'
    result = await run(f"i=0; while [ $i -lt 3000 ]; do {line}; i=$((i+1)); done")
    assert result.usage.input_tokens == 2999
    assert len(events) < 1500

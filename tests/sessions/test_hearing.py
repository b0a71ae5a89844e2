"""Which witness of an ending is believed, whatever was told in whatever order."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agents.protocol import (
    AgentEvent,
    Asked,
    Failed,
    Finished,
    Message,
    RateLimited,
    Started,
    ToolCall,
    UsageReported,
)
from orchestrator.results import Usage
from orchestrator.sessions.hearing import Hearing, result_of
from orchestrator.states import Outcome
from orchestrator.supervision.job import Ending, Exit

EVENTS = st.sampled_from(
    [
        *(Started("id"), Message("m"), ToolCall("t"), UsageReported(Usage(5, 5, 0.5))),
        *(UsageReported(Usage(500, 500, 50.0)), RateLimited(9.0), Asked("q"), Finished("f")),
        *(Failed("x"), Failed("y", final=True)),
    ]
)
EXITS = st.sampled_from(
    [
        *(None, Exit(0), Exit(1), Exit(signal=15), Exit(error="not found")),
        *(Exit(signal=15, ending=Ending.WALL), Exit(signal=15, ending=Ending.IDLE)),
    ]
)


def heard(events: list[AgentEvent], tokens_left: int | None = None) -> Hearing:
    hearing = Hearing(tokens_left, None)
    for event in events:
        hearing.hear(event, 100.0)
    return hearing


@given(st.lists(EVENTS, max_size=8), EXITS, st.sampled_from([None, 100]))
@settings(max_examples=300)
def test_every_ending_has_one_outcome_and_a_reason(
    events: list[AgentEvent], exit_: Exit | None, tokens_left: int | None
) -> None:
    result = result_of(heard(events, tokens_left), exit_, 1.0, "words")
    judged = {Outcome.NO_CHANGE, Outcome.CANCELLED, Outcome.ABANDONED}
    assert result.outcome not in judged, "those are the caller's to tell"
    assert bool(result.reason) is (result.outcome is not Outcome.COMPLETED)


@given(st.lists(EVENTS, max_size=8))
@settings(max_examples=200)
def test_success_needs_the_agents_word_or_a_clean_exit(events: list[AgentEvent]) -> None:
    result = result_of(heard(events), Exit(1), 1.0, "")
    finished = [event for event in events if isinstance(event, Finished)]
    assert result.outcome is not Outcome.COMPLETED or finished


def test_a_repeated_failure_does_not_buy_time() -> None:
    """A client that retries a refused login says so again and again."""
    hearing = heard([Failed("login")])
    first = hearing.stop_at
    hearing.hear(Failed("login"), 105.0)
    assert hearing.stop_at == first < math.inf


def test_a_final_failure_is_not_waited_for() -> None:
    hearing = heard([Failed("login"), Failed("login", final=True)])
    assert hearing.stop_at < 100.0
    result = result_of(hearing, None, 1.0, "")
    assert (result.outcome, result.reason) == (Outcome.FAILED, "login")


def test_work_after_the_last_word_buys_time() -> None:
    hearing = heard([Finished("f")])
    first = hearing.stop_at
    hearing.hear(Message("background task ended"), 105.0)
    assert hearing.stop_at == first + 5


def test_a_failure_that_was_overcome_is_forgotten() -> None:
    hearing = heard([Failed("login"), Message("on it")])
    assert (hearing.verdict, hearing.stop_at) == (None, math.inf)


def test_a_session_that_took_too_much_has_failed_by_name_unless_it_was_done() -> None:
    killed = Exit(signal=9, ending=Ending.MEMORY, breach="it held 2 GiB")
    result = result_of(heard([Message("m")]), killed, 1.0, "words")
    assert result.outcome is Outcome.FAILED
    assert result.reason == "the agent was killed: it held 2 GiB"
    assert result_of(heard([Finished("f")]), killed, 1.0, "").outcome is Outcome.COMPLETED

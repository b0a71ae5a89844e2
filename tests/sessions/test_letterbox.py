"""What a session says at the engine's door is heard as if it stood in its output, and stands."""

from __future__ import annotations

from orchestrator.agents.protocol import Asked, Failed, Finished, Message, RateLimited
from orchestrator.sessions.hearing import Hearing, result_of
from orchestrator.sessions.letterbox import Letterbox
from orchestrator.states import Outcome


def test_a_question_at_the_door_stands_whatever_the_agent_says_after_it():
    hearing = Hearing(None, None)
    hearing.bind(Asked("Which?"), 1.0)
    for later in (Finished("done"), Failed("no"), RateLimited(), Message("bye"), Asked("other")):
        hearing.hear(later, 2.0)
    ended = result_of(hearing, None, 3.0, "")
    assert (ended.outcome, ended.message) == (Outcome.ASKED, "Which?")
    assert hearing.stop_at == 12.0, "it may linger no longer than after any last word"


def test_the_newest_question_at_the_door_is_the_one_that_counts():
    hearing = Hearing(None, None)
    hearing.bind(Asked("This?"), 1.0)
    hearing.bind(Asked("Or that?"), 2.0)
    assert result_of(hearing, None, 3.0, "").message == "Or that?"


def test_a_letter_is_taken_only_while_somebody_reads():
    box, read = Letterbox(), []
    assert not box.put(Asked("early"))
    with box.emptied_by(read.append):
        assert box.put(Asked("now"))
    assert not box.put(Asked("late"))
    assert read == [Asked("now")]

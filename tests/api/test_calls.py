"""A person is called once for each new need."""

from __future__ import annotations

from scripted.engine import a_plan, a_task

from orchestrator.api.calls import Calls, sentence
from orchestrator.api.models import EngineView, StatusView
from orchestrator.states import Need, TaskState

ASKS = TaskState.NEEDS_INPUT


def told(*tasks) -> StatusView:
    return StatusView(engine=EngineView(running=True), plans=(a_plan(*tasks),))


def named(tasks) -> list[str]:
    return [task.id for task in tasks]


def test_what_stood_so_from_the_beginning_is_no_news():
    calls = Calls()
    assert calls.hear(told(a_task("a", ASKS), a_task("b"))) == ()
    assert named(calls.hear(told(a_task("a", ASKS), a_task("b", TaskState.FAILED)))) == ["b"]


def test_one_that_arose_while_nobody_listened_is_news_to_who_listens_since_before():
    old, new = a_task("a", ASKS, state_since=10.0), a_task("b", ASKS, state_since=20.0)
    assert named(Calls(since=15.0).hear(told(old, new))) == ["b"]


def test_the_same_need_is_told_once_whatever_comes_in_between():
    calls = Calls()
    calls.hear(told(a_task("a", state_since=1.0)))
    ready = a_task("a", TaskState.VERIFIED, merge_ready=True, state_since=2.0)
    assert named(calls.hear(told(ready))) == ["a"]
    assert calls.hear(told(ready)) == ()
    assert calls.hear(told(ready.model_copy(update={"need": None}))) == (), "a gate has closed"
    assert calls.hear(told(ready)) == (), "and opened again"


def test_another_need_and_a_later_one_of_the_same_kind_are_news():
    calls = Calls()
    calls.hear(told())
    assert calls.hear(told(a_task("a", ASKS, asks=True, state_since=1.0)))
    assert calls.hear(told(a_task("a", TaskState.FAILED, state_since=2.0)))
    assert calls.hear(told(a_task("a", TaskState.RUNNING, state_since=3.0))) == ()
    assert calls.hear(told(a_task("a", ASKS, asks=True, state_since=4.0)))


def test_a_sentence_tells_which_task_what_and_why():
    asks = a_task("pay", ASKS, asks=True, reason="which key?")
    assert sentence(asks) == "shop/pay asks: which key?"
    for need in Need:
        assert sentence(a_task("pay", ASKS, need=need)).startswith("shop/pay ")

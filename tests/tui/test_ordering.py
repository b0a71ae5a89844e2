from __future__ import annotations

import pytest
from scripted.building_site import a_lively_engine
from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.api.models import DiffStatView
from orchestrator.states import Need, TaskState
from tui.orders import ORDERS, possible_orders
from tui.scene import Scene
from tui.screens.question import QuestionScreen
from tui.workplace import WAYS

pytestmark = pytest.mark.anyio

_S = TaskState


def on(it) -> bool:
    return isinstance(it.app.screen, QuestionScreen)


async def test_m_merges_the_selected_task(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await it.select("cart-total")
        await it.press("m")
        await it.until(
            lambda: on(it) and it.sees("Merge cart-total into main?", "src/cart/total.py")
        )
        await it.press("enter")
        await it.until(lambda: engine.calls)
        assert engine.calls == [("merge", "shop", ("cart-total",))]
        await it.until(lambda: "cart-total will land" in it.notices)


async def test_merging_all_names_what_lands_and_lands_exactly_that(dashboard) -> None:
    ready = {"state": _S.VERIFIED, "merge_ready": True}
    engine = ScriptedEngine(
        a_plan(a_task("one", **ready), a_task("two", **ready), a_task("three")),
        a_plan(a_task("four", plan="docs", **ready), name="docs"),
    )
    async with dashboard(engine) as it:
        await it.press("M")
        await it.until(lambda: on(it) and it.sees("Merge 3 tasks?", "shop/one", "docs/four"))
        engine.change("shop", "three", **ready)
        await it.press("enter")
        await it.until(lambda: len(engine.calls) == 2)
        assert engine.calls == [("merge", "shop", ("one", "two")), ("merge", "docs", ("four",))]


@pytest.mark.parametrize("key", ["escape", "n"])
async def test_a_question_refused_orders_nothing(dashboard, key) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await it.press("M")
        await it.until(lambda: on(it))
        await it.press(key)
        await it.until(lambda: not on(it))
        assert engine.calls == []


async def test_retry_takes_a_note(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("pdf", _S.FAILED, reason="build failed")))
    async with dashboard(engine) as it:
        await it.press("r")
        await it.until(lambda: on(it) and it.sees("Retry pdf?", "build failed"))
        await it.press(*"yes, n", "enter")
        await it.until(lambda: engine.calls)
        assert engine.calls == [("retry", "shop", "pdf", "yes, n")]


async def test_cancelling_is_confirmed_and_enter_alone_does_not(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", _S.RUNNING)))
    async with dashboard(engine) as it:
        await it.press("c")
        await it.until(lambda: on(it) and it.sees("Cancel cart?"))
        await it.press("enter")
        await it.until(lambda: not on(it))
        assert engine.calls == []
        await it.press("c")
        await it.until(lambda: on(it))
        await it.press("y")
        await it.until(lambda: engine.calls)
        assert engine.calls == [("cancel", "shop", "cart")]


async def test_an_answer_must_say_something(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("pay", _S.NEEDS_INPUT, reason="which key?", asks=True)))
    async with dashboard(engine) as it:
        await it.press("A")
        await it.until(lambda: on(it) and it.sees("which key?"))
        await it.press("enter")
        assert on(it)
        await it.press(*"b", "enter")
        await it.until(lambda: engine.calls)
        assert engine.calls == [("answer", "shop", "pay", "b")]


async def test_approve_pause_and_resume_go_out_at_once(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", _S.VERIFIED, approve=True)))
    async with dashboard(engine) as it:
        await it.press("a")
        await it.until(lambda: len(engine.calls) == 1)
        await it.press("p")
        await it.until(lambda: len(engine.calls) == 2)
        engine.change("shop", "cart", paused=True, approved=True)
        await it.until(lambda: it.app.screen.scene.task.paused)
        await it.press("p", "a", "P")
        await it.until(lambda: len(engine.calls) == 4)
        assert engine.calls == [
            ("approve", "shop", "cart"),
            ("pause", "shop", "cart"),
            ("resume", "shop", "cart"),
            ("pause", "shop", None),
        ]


async def test_a_refusal_is_shown_with_its_reason(dashboard) -> None:
    engine = a_lively_engine()
    engine.refusals["cart-total"] = "a gate closed meanwhile [/]"
    async with dashboard(engine) as it:
        await it.select("cart-total")
        await it.press("m")
        await it.until(lambda: on(it))
        await it.press("y")
        await it.until(lambda: it.notices)
        assert it.notices == ["cart-total: a gate closed meanwhile [/]"]


async def test_an_order_to_an_engine_that_just_went_is_an_error_notice(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("pdf", _S.FAILED)))
    async with dashboard(engine) as it:
        await it.press("r")
        await it.until(lambda: on(it))
        engine.stop()
        await it.press("enter")
        await it.until(lambda: any("does not answer" in notice for notice in it.notices))


async def test_keys_that_make_no_sense_do_nothing(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("done", _S.MERGED), settled=True))
    async with dashboard(engine) as it:
        await it.press(*"mMrcapAPxw")
        assert not on(it)
        assert engine.calls == []
        assert not it.sees("Merge")


async def test_the_palette_offers_what_can_be_ordered(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.select("cart-total")
        commands = {command.title for command in it.app.get_system_commands(it.app.screen)}
        assert {"Merge", "Merge all", "Changes"} <= commands
        assert "Answer" not in commands
        await it.press("ctrl+p")
        await it.until(lambda: it.sees("Merge all"))


GOING_ON = {"cancel", "pause", "sooner", "later"}
EXPECTED = {
    _S.PENDING: GOING_ON,
    _S.RUNNING: GOING_ON,
    _S.VERIFYING: GOING_ON,
    _S.VERIFIED: GOING_ON | {"changes"},
    _S.MERGING: GOING_ON,
    _S.MERGED: {"revert"},
    _S.RETRY_QUEUED: GOING_ON,
    _S.NEEDS_INPUT: GOING_ON | {"retry"},
    _S.FAILED: {"retry"},
    _S.CANCELLED: {"retry"},
}


@pytest.mark.parametrize("state", TaskState)
async def test_what_is_possible_follows_from_the_state(state) -> None:
    task = a_task("a", state)
    assert possible_orders(Scene(True, task, None, ())) == EXPECTED[state]
    assert possible_orders(Scene(False, task, None, (task,))) == set()


async def test_only_a_question_can_be_answered() -> None:
    asks = a_task("a", _S.NEEDS_INPUT, asks=True)
    assert "answer" in possible_orders(Scene(True, asks, None, ()))


async def test_no_two_orders_or_ways_share_a_key() -> None:
    keys = [one.key for one in (*ORDERS.values(), *WAYS.values())]
    assert len(set(keys)) == len(keys)


async def test_only_what_is_in_line_can_be_set_aside_and_put_back() -> None:
    def possible(**fields) -> bool:
        return "set_aside" in possible_orders(Scene(True, a_task("a", **fields), None, ()))

    assert possible(state=_S.VERIFIED, merge_requested=True)
    assert possible(state=_S.MERGING, merge_requested=True)
    assert possible(state=_S.RUNNING, withdrawn=True)
    assert not possible(state=_S.VERIFIED)
    assert not possible(state=_S.MERGED, merge_requested=True)


async def test_tests_that_wait_for_approval_can_be_sent_back() -> None:
    tests = a_task("a", _S.NEEDS_INPUT, need=Need.APPROVE, approve=True)
    assert {"approve", "changes"} <= possible_orders(Scene(True, tests, None, ()))


async def test_what_was_taken_back_or_is_about_to_be_cannot_be_reverted() -> None:
    for fields in ({"revert_requested": True}, {"reverted_commit": "0123"}):
        landed = a_task("a", _S.MERGED, **fields)
        assert possible_orders(Scene(True, landed, None, ())) == set()


async def test_plus_and_minus_move_a_task_in_the_line(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", _S.RUNNING)))
    async with dashboard(engine) as it:
        await it.press("plus", "minus")
        await it.until(lambda: len(engine.calls) == 2)
        assert sorted(engine.calls) == [("rank", "shop", "cart", -1), ("rank", "shop", "cart", 1)]


async def test_w_sets_aside_and_puts_back(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", _S.VERIFIED, merge_requested=True)))
    async with dashboard(engine) as it:
        await it.press("w")
        await it.until(lambda: engine.calls == [("withdraw", "shop", "cart", True)])
        engine.change("shop", "cart", withdrawn=True)
        await it.until(lambda: it.sees("set aside"))
        await it.press("w")
        await it.until(lambda: engine.calls[1:] == [("withdraw", "shop", "cart", False)])


async def test_changes_are_asked_for_with_a_note(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", _S.VERIFIED, need=Need.MERGE)))
    async with dashboard(engine) as it:
        await it.press("x")
        await it.until(lambda: on(it) and it.sees("What should cart change?"))
        await it.press("enter")
        assert on(it), "it must say what"
        await it.press(*"less", "enter")
        await it.until(lambda: engine.calls == [("retry", "shop", "cart", "less")])


async def test_a_revert_tells_what_it_takes_back_and_no_is_the_easier_answer(dashboard) -> None:
    engine = ScriptedEngine(
        a_plan(
            a_task("cart", _S.MERGED, merged_commit="0123456789abcdef", diff=DiffStatView(files=1)),
            a_task("later", after=("cart",)),
            a_task("mail", _S.MERGED, after=("cart",)),
        )
    )
    engine.diffs["cart"] = "diff --git a/cart.py b/cart.py\n+one"
    async with dashboard(engine) as it:
        await it.select("cart")
        await it.press("R")
        await it.until(
            lambda: on(it) and it.sees("cart.py", "0123456789", "Still to come", "later")
        )
        assert it.sees("Landed after it", "mail")
        await it.press("enter")
        await it.until(lambda: not on(it))
        assert engine.calls == []
        await it.press("R")
        await it.until(lambda: on(it))
        await it.press("y")
        await it.until(lambda: engine.calls == [("revert", "shop", "cart")])


async def test_leave_to_update_the_checkout_is_asked_for_and_names_what_it_changes(
    dashboard,
) -> None:
    waits = {
        "need": Need.LEAVE,
        "held": "main is checked out in /home/ada/shop: give leave with --update-checkout, or not",
    }
    engine = ScriptedEngine(
        a_plan(
            a_task("cart", _S.VERIFIED, merge_requested=True, diff=DiffStatView(files=1), **waits),
            a_task("mail", _S.MERGED, revert_requested=True, **waits),
            a_task("pay", _S.VERIFIED, merge_ready=True),
        )
    )
    engine.diffs["cart"] = "diff --git a/cart.py b/cart.py\n+one"
    async with dashboard(engine) as it:
        assert possible_orders(it.app.screen.scene) >= {"leave"}
        assert "! held" in it.board_row("cart")
        assert "! held" in it.board_row("mail")
        await it.select("pay")
        await it.press("U")
        assert not on(it), "nothing of it waits for leave"
        await it.select("cart")
        await it.press("U")
        await it.until(
            lambda: (
                on(it)
                and it.sees(
                    "Let your checkout of main follow?", "Landing then: cart, mail.", "cart.py"
                )
            )
        )
        assert it.sees("main is checked out in /home/ada/shop")
        await it.press("enter")
        await it.until(lambda: not on(it))
        assert engine.calls == [], "no is the easier answer"
        await it.press("U")
        await it.until(lambda: on(it))
        await it.press("y")
        await it.until(lambda: len(engine.calls) == 2)
        assert engine.calls == [
            ("revert", "shop", "mail", "update_checkout"),
            ("merge", "shop", ("cart",), "update_checkout"),
        ]


async def test_a_question_does_not_wait_for_git(dashboard, monkeypatch) -> None:
    engine = a_lively_engine()
    monkeypatch.setattr("tui.screens.order_screen.WORK_PATIENCE_SECONDS", 0.0)
    async with dashboard(engine) as it:
        await it.select("cart-total")
        await it.press("m")
        await it.until(lambda: on(it) and it.sees("Merge cart-total into main?"))
        assert not it.sees("src/cart/total.py")


async def test_cancelling_tells_what_is_given_up_with_it(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", _S.RUNNING), a_task("mail", after=("cart",))))
    async with dashboard(engine) as it:
        await it.select("cart")
        await it.press("c")
        await it.until(lambda: on(it) and it.sees("Given up with it: mail."))

from __future__ import annotations

import pytest
from scripted.building_site import a_lively_engine, check
from scripted.engine import ScriptedEngine, a_plan, a_task
from textual.widgets import TabbedContent

import tui.transcript
from orchestrator.api.models import GateView, TaskDetail, VerificationView
from orchestrator.states import TaskState, Verdict
from tui.lines_view import LinesView
from tui.task_story import readiness_lines

pytestmark = pytest.mark.anyio


def pane(it, name: str) -> LinesView:
    return it.app.screen.query_one(f"#{name}-lines", LinesView)


async def test_every_pane_tells_its_part(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.select("cart-total")
        await it.press("enter")
        await it.until(lambda: it.sees("shop / cart-total", "e2e passed, 12 tests"))
        for key, text in [
            ("2", "passed in 20s: its branch at 9d3e51c07, attempt 2"),
            ("3", "def with_quantity"),
            ("4", "merges into main without conflict"),
            ("5", "generating 8m 20s"),
            ("6", "follows the quantities"),
        ]:  # fmt: skip
            await it.press(key)
            await it.until(lambda text=text: it.sees(text))


async def test_a_gate_that_is_not_reached_wears_no_cross(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await it.select("checkout-form")
        await it.until(lambda: it.sees("· not verified yet"))
        assert "6/8" in it.board_row("checkout-form")
        await it.press("enter", "4")
        await it.until(lambda: it.sees("6 of 8 gates are open", "· verified"))
        assert "✗" not in pane(it, "readiness").text
        await it.press("escape")
        await it.select("invoice-pdf")
        await it.until(lambda: it.sees("✗ conflicts in src/cart/total.py"))
        assert "✗ 5/8" in it.board_row("invoice-pdf")
        await it.press("enter", "4")
        await it.until(lambda: it.sees("5 of 8 gates are open, 2 refused", "✗ merges cleanly"))
        assert "· merged result" in pane(it, "readiness").text


async def test_the_brief_of_a_failed_task_begins_with_why_it_failed(dashboard) -> None:
    engine = a_lively_engine()
    long = "\n".join(
        ("build failed: cannot find module 'pdfkit'", *(f"frame {n}" for n in range(40)))
    )
    red, green = (
        VerificationView(
            id=number, purpose="branch", attempt=number, commit="aaa", tree="", verdict=verdict, digest=digest,
            checks=(), started_at=0.0, ended_at=1.0,
        )
        for number, verdict, digest in ((1, Verdict.FAILED, long), (2, Verdict.PASSED, ""))
    )  # fmt: skip
    engine.verifications["invoice-pdf"] = (red, green)
    engine.briefs["invoice-pdf"] = "Invoices can be had as PDF, with a number of their own."
    async with dashboard(engine) as it:
        await it.select("invoice-pdf")
        await it.press("enter", "6")
        await it.until(lambda: it.sees("a number of their own"))
        told = pane(it, "brief").text
        assert told.startswith("✗ why it failed: build failed in each of 3 attempts")
        assert "cannot find module 'pdfkit'\n    frame 0" in told
        assert "frame 11" not in told
        assert "29 more lines among the checks (2)" in told
        assert (
            told.index("29 more lines") < told.index("were it retried") < told.index("of their own")
        )
        engine.change("shop", "invoice-pdf", state=TaskState.RUNNING)
        await it.until(lambda: pane(it, "brief").text.startswith("attempt 1"))


def test_a_verification_before_another_commit_landed_is_no_evidence_of_it() -> None:
    red, green = (
        VerificationView(
            id=number, purpose="candidate", attempt=1, commit=commit, tree="", verdict=verdict, digest="",
            checks=(check("unit", verdict),), started_at=0.0, ended_at=1.0,
        )
        for number, commit, verdict in ((1, "aaa", Verdict.FAILED), (2, "bbb", Verdict.PASSED))
    )  # fmt: skip
    gate = GateView(name="merged result verified", open=True, reason="landed as bbb")
    task = a_task("cart", TaskState.MERGED, merged_commit="bbb", gates=(gate,))

    def told(*known: VerificationView) -> str:
        detail = TaskDetail.model_construct(task=task, verifications=known)
        return "\n".join(line.text for line in readiness_lines(task, detail))

    assert "commit bbb" in told(red, green)
    assert "commit" not in told(red)


async def test_arrows_turn_the_panes_and_escape_leads_back(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.select("cart-total")
        await it.press("enter")
        await it.until(lambda: it.sees("shop / cart-total"))
        await it.press("right", "right")
        assert it.app.screen.query_one(TabbedContent).active == "diff"
        await it.press("left")
        assert it.app.screen.query_one(TabbedContent).active == "checks"
        await it.press("escape")
        await it.until(lambda: it.sees("catalogue-api"))
        assert it.board.selected == ("shop", "cart-total")


async def test_the_transcript_follows_a_session_into_its_next_attempt(
    dashboard, monkeypatch
) -> None:
    monkeypatch.setattr(tui.transcript, "SECONDS_BETWEEN_LOOKS", 0.01)
    engine = ScriptedEngine(a_plan(a_task("cart", TaskState.RUNNING, attempt=1)))
    engine.write("cart", "first li")
    async with dashboard(engine) as it:
        await it.press("enter")
        await it.until(lambda: it.sees("attempt 1", "first li"))
        engine.write("cart", "ne\nsecond line\n")
        await it.until(lambda: it.sees("first line", "second line"))
        assert pane(it, "transcript").text.count("first li") == 1
        engine.write("cart", "again\n", attempt=2)
        engine.change("shop", "cart", attempt=2)
        await it.until(lambda: it.sees("attempt 2", "again"))
        assert not it.sees("second line")
        await it.press("left_square_bracket")
        await it.until(lambda: it.sees("second line"))
        await it.press("right_square_bracket")
        await it.until(lambda: it.sees("again"))


async def test_a_reader_who_scrolled_up_is_left_in_peace(dashboard, monkeypatch) -> None:
    monkeypatch.setattr(tui.transcript, "SECONDS_BETWEEN_LOOKS", 0.01)
    engine = ScriptedEngine(a_plan(a_task("cart", TaskState.RUNNING, attempt=1)))
    engine.write("cart", "".join(f"line {n}\n" for n in range(500)))
    async with dashboard(engine) as it:
        await it.press("enter")
        await it.until(lambda: it.sees("line 499"))
        engine.write("cart", "the newest\n")
        await it.until(lambda: it.sees("the newest"))
        await it.press("g")
        await it.until(lambda: it.sees("line 3"))
        engine.write("cart", "unseen\n")
        await it.until(lambda: "unseen" in pane(it, "transcript").text)
        assert it.sees("line 3")


async def test_a_task_without_an_attempt_says_so(dashboard) -> None:
    async with dashboard(ScriptedEngine(a_plan(a_task("cart")))) as it:
        await it.press("enter")
        await it.until(lambda: it.sees("has no attempt yet"))
        for key, text in [
            ("2", "Nothing has been checked"),
            ("3", "no change"),
            ("4", "No gate"),
            ("5", "No agent"),
        ]:
            await it.press(key)
            await it.until(lambda text=text: it.sees(text))


async def test_orders_work_on_the_task_screen_too(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await it.select("cart-total")
        await it.press("enter")
        await it.until(lambda: it.sees("shop / cart-total"))
        await it.press("m")
        await it.until(lambda: it.sees("Merge cart-total into main?"))
        await it.press("enter")
        await it.until(lambda: engine.calls)
        assert engine.calls == [("merge", "shop", ("cart-total",))]


async def test_a_stopped_engine_leaves_the_task_readable(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await it.select("cart-total")
        await it.press("enter")
        await it.until(lambda: it.sees("e2e passed"))
        engine.stop()
        await it.until(lambda: it.sees("engine stopped", "e2e passed"))
        engine.change("shop", "cart-total", state=TaskState.MERGED)
        engine.start()
        await it.until(lambda: it.sees("merged 1m 35s ago"))

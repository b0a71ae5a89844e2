"""The queue, the dependencies and where time went: what they tell, and how one gets about."""

from __future__ import annotations

import pytest
from scripted.building_site import a_forecast, a_lively_engine, a_queue
from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.states import TaskState
from tui.graph_view import GraphView
from tui.lines_view import LinesView
from tui.screens.graph import GraphScreen
from tui.screens.queue import QueueScreen
from tui.screens.task import TaskScreen
from tui.screens.time import TimeScreen

pytestmark = pytest.mark.anyio


@pytest.fixture
def engine() -> ScriptedEngine:
    """The lively site with a train on its way."""
    lively = a_lively_engine()
    lively.queues = (a_queue(),)
    return lively


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 10)])
async def test_every_place_fits_every_size(dashboard, engine, size) -> None:
    async with dashboard(engine, size) as it:
        for key in "udt":
            await it.press(key)
            await it.pilot.pause()
            assert all(len(line) <= size[0] for line in it.shown.splitlines())


async def test_keys_and_clicks_lead_from_place_to_place_and_escape_back(dashboard, engine) -> None:
    async with dashboard(engine) as it:
        for key, screen in (("u", QueueScreen), ("d", GraphScreen), ("t", TimeScreen)):
            await it.press(key)
            await it.until(lambda screen=screen: isinstance(it.app.screen, screen))
        assert len(it.app.screen_stack) == 2, "places take each other's place"
        await it.press("escape")
        await it.until(lambda: len(it.app.screen_stack) == 1)
        await it.pilot.click("#places", offset=(11, 0))
        await it.until(lambda: isinstance(it.app.screen, QueueScreen))
        await it.press("enter")
        await it.until(lambda: isinstance(it.app.screen, TaskScreen))
        await it.press("b")
        await it.until(lambda: len(it.app.screen_stack) == 1)


async def test_the_queue_tells_what_stands_on_what_and_what_each_waits_for(
    dashboard, engine
) -> None:
    async with dashboard(engine) as it:
        await it.press("u")
        await it.until(lambda: it.sees("strict", "3 candidates at once", "12%"))
        assert it.sees("main ━━ ◐ guide ━━ ◐ cart-total ┄┄ ! cart-discount")
        assert it.sees("77f00d5ee on top of guide", "a person must approve it", "31s")
        await it.press("j")
        assert it.app.screen.key == ("shop", "cart-total")
        engine.queues = (engine.queues[0].model_copy(update={"held": "main is red: unit"}),)
        engine.tell("queue")
        await it.until(lambda: it.sees("held: main is red: unit"))
        engine.queues = ()
        engine.tell("queue")
        await it.until(lambda: it.sees("Nothing is in line to land."))


async def test_the_queue_tells_what_will_conflict(dashboard, engine) -> None:
    engine.forecast = a_forecast()
    async with dashboard(engine, (120, 50)) as it:
        await it.press("u")
        await it.until(lambda: it.sees("✗ cart-total with checkout-form: src/cart/page.js"))
        assert it.sees("4 branches in flight to main", "✗ invoice-pdf with main: src/app.py")
        assert it.sees("3 checkout-form  ○ │ ✗ ?", "2 cart-discount  ○ │ ○")


async def test_orders_are_about_the_task_one_stands_on(dashboard, engine) -> None:
    async with dashboard(engine) as it:
        await it.press("u", "j")
        await it.until(lambda: it.app.screen.key == ("shop", "cart-total"))
        await it.press("p")
        await it.until(lambda: engine.calls)
        assert engine.calls == [("pause", "shop", "cart-total")]


async def test_the_graph_follows_lines_and_states(dashboard) -> None:
    engine = ScriptedEngine(
        a_plan(
            a_task("api", TaskState.RUNNING),
            a_task("page", after=("api",)),
            a_task("mail", after=("api",)),
            a_task("all", after=("page", "mail")),
        )
    )
    async with dashboard(engine) as it:
        await it.press("d")
        await it.until(lambda: it.sees("● api", "▸· page", "· mail", "· all"))
        graph = it.app.screen.query_one(GraphView)
        for key, task in (
            ("l", "page"),
            ("j", "mail"),
            ("right", "all"),
            ("h", "page"),
            ("left", "api"),
            ("h", "api"),
        ):
            await it.press(key)
            assert graph.selected == ("shop", task)
        engine.change("shop", "api", state=TaskState.MERGED)
        await it.until(lambda: it.sees("■ api"))
        await it.press("enter")
        await it.until(lambda: it.sees("shop / api"))


async def test_a_graph_larger_than_the_screen_scrolls_both_ways(dashboard) -> None:
    chain = [a_task(f"step-{n}", after=(f"step-{n - 1}",) if n else ()) for n in range(20)]
    alone = [a_task(f"alone-{n}") for n in range(80)]
    async with dashboard(ScriptedEngine(a_plan(*chain, *alone)), (80, 24)) as it:
        await it.press("d")
        await it.until(lambda: it.sees("step-0"))
        for _ in range(19):
            await it.press("l")
        await it.until(lambda: it.sees("step-19") and not it.sees("step-0 "))
        await it.press("G")
        await it.until(lambda: it.sees("alone-79"))
        await it.press("g")
        await it.until(lambda: it.sees("step-0"))


async def test_the_graph_begins_at_the_task_one_was_at(dashboard, engine) -> None:
    async with dashboard(engine) as it:
        await it.select("search")
        await it.press("d")
        await it.until(lambda: it.app.screen.query_one(GraphView).selected == ("shop", "search"))


@pytest.mark.parametrize(("key", "task"), [("u", "cart-discount"), ("t", "order-mail")])
async def test_a_place_of_lines_begins_at_the_task_one_was_at(dashboard, engine, key, task) -> None:
    async with dashboard(engine, (80, 18)) as it:
        await it.select(task)
        await it.press(key)
        pane = it.app.screen.query_one(LinesView)
        await it.until(lambda: pane.chosen == ("shop", task))
        assert it.app.screen.key == ("shop", task)
        await it.until(lambda: f" {task} " in it.shown)
        await it.press("enter")
        await it.until(lambda: it.sees(f"shop / {task}"))


async def test_where_time_went_is_told_in_all_by_task_and_by_check(dashboard, engine) -> None:
    async with dashboard(engine) as it:
        await it.press("t")
        await it.until(lambda: it.sees("e2e", "14.2s", "47.5s"))
        assert it.sees("generating 55m 1s (76%)", "waiting for you", "invoice-pdf")
        assert it.sees("21.4s at the median", "of 17 verdicts", "73%")
        first = it.shown.index("invoice-pdf")
        assert first < it.shown.index("payment-webhook") < it.shown.index("checkout-form")
        assert it.app.screen.query_one(LinesView).chosen == ("shop", "payment-webhook")
        await it.press("k", "enter")
        await it.until(lambda: it.sees("shop / invoice-pdf"))


async def test_places_without_an_engine_say_so(dashboard) -> None:
    engine = ScriptedEngine()
    engine.stop()
    async with dashboard(engine) as it:
        for key in "udt":
            await it.press(key)
            await it.until(lambda: it.sees("engine stopped"))

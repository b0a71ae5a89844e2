from __future__ import annotations

import pytest
from scripted.building_site import a_lively_engine, gates
from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.states import TaskState
from tui.board_model import TaskRow

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 60), (40, 10)])
async def test_the_board_shows_every_state_at_every_size(dashboard, size) -> None:
    async with dashboard(a_lively_engine(), size) as it:
        assert it.sees("clerk", "shop")
        assert all(len(line) <= size[0] for line in it.shown.splitlines())
        if size[1] > 30:
            assert it.sees("cart-total", "merge-ready", "needs you", "failed", "blocked", "landing")


async def test_a_change_is_shown_without_a_key(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", TaskState.RUNNING)))
    async with dashboard(engine) as it:
        assert it.sees("● running")
        engine.change("shop", "cart", state=TaskState.MERGED)
        await it.until(lambda: it.sees("■ merged", "1/1 landed"))


async def test_a_storm_of_events_asks_few_questions(dashboard) -> None:
    engine = ScriptedEngine(a_plan(*(a_task(f"task-{n}") for n in range(500))))
    async with dashboard(engine) as it:
        before = engine.answers
        for n in range(300):
            engine.change("shop", f"task-{n}", state=TaskState.RUNNING)
        await it.until(lambda: it.sees("● 300 running"))
        assert engine.answers - before < 30


async def test_keys_move_the_selection(dashboard) -> None:
    engine = ScriptedEngine(a_plan(*(a_task(f"task-{n}") for n in range(100))))
    async with dashboard(engine, (80, 24)) as it:
        for key, task in [
            ("j", "task-1"), ("down", "task-2"), ("k", "task-1"), ("up", "task-0"), ("k", "task-0"),
            ("G", "task-99"), ("j", "task-99"), ("g", "task-0"), ("end", "task-99"),
        ]:  # fmt: skip
            await it.press(key)
            assert it.board.selected == ("shop", task)
            assert it.sees(f" {task} "), f"{task} is in sight after {key}"
        await it.press("pageup")
        assert it.board.selected != ("shop", "task-99")


async def test_the_selection_stays_on_its_task_when_rows_move(dashboard) -> None:
    tasks = [a_task(name) for name in ("one", "two", "three")]
    engine = ScriptedEngine(a_plan(*tasks))
    async with dashboard(engine) as it:
        await it.press("j", "j")
        engine.take(a_plan(tasks[2], tasks[0]))
        await it.until(lambda: len(it.board.rows) == 3)
        assert it.board.selected == ("shop", "three")
        engine.take(a_plan(tasks[0]))
        await it.until(lambda: len(it.board.rows) == 2)
        assert it.board.selected == ("shop", "one")


async def test_the_filter_narrows_and_escape_widens(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.press("slash", *"codex")
        await it.until(lambda: len(it.board.rows) == 3)
        assert it.sees("search", "invoice-pdf", "2 shown")
        await it.press("enter", "g", "j")
        assert it.board.selected == ("shop", "search")
        await it.press("escape")
        await it.until(lambda: len(it.board.rows) == 15)
        await it.press("slash", *"zzz")
        await it.until(lambda: it.sees("No task matches the filter"))


async def test_what_needs_a_person_comes_first_and_o_sorts_as_in_the_plan(dashboard) -> None:
    def first(it) -> str:
        return next(row.task.id for row in it.board.rows if isinstance(row, TaskRow))

    async with dashboard(a_lively_engine()) as it:
        assert first(it) == "payment-webhook"
        await it.press("o")
        assert first(it) == "catalogue-api"


async def test_f_shows_one_state_after_the_other_and_v_one_plan(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.press("f")
        await it.until(lambda: it.sees("only: needs you", "invoice-pdf"))
        assert not it.sees("checkout-form")
        await it.press("f")
        await it.until(lambda: it.sees("only: ready"))
        await it.press("F", "F")
        await it.until(lambda: len(it.board.rows) == 15)
        await it.press("v", "v")
        await it.until(lambda: it.sees("only: plan docs", "api-pages"))
        assert not it.sees("cart-total")
        await it.press("escape")
        await it.until(lambda: len(it.board.rows) == 15)
        assert not it.sees("only:")


async def test_a_click_on_a_count_shows_that_state_and_again_all(dashboard) -> None:
    async with dashboard(a_lively_engine(), (160, 40)) as it:
        at = next(line for line in it.shown.splitlines() if "landed" in line).index("need")
        await it.pilot.click("#header", offset=(at, 1))
        await it.until(lambda: it.sees("only: needs you"))
        await it.pilot.click("#header", offset=(at, 1))
        await it.until(lambda: not it.sees("only:"))


async def test_the_summary_tells_what_is_in_work_and_when_the_queue_is_empty(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine, (200, 50)) as it:
        assert it.sees("1/13 landed", "need you", "running", "verifying", "ready", "spent")
        assert it.sees("queue: no estimate yet")
        engine.candidate_seconds = 90.0
        engine.change("docs", "guide", held="")
        await it.until(lambda: it.sees("queue empties in ~1m 30s"))
        engine.candidate_seconds = 0.02
        engine.tell("news")
        await it.until(lambda: it.sees("queue empties in ~1s"))
        engine.change("docs", "guide", state=TaskState.MERGED)
        await it.until(lambda: it.sees("queue empty"))


async def test_the_details_tell_about_the_selected_task(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.select("payment-webhook")
        await it.until(lambda: it.sees("Which of the two signing keys", "38 passed, 2 failed"))
        assert it.sees("not verified yet")


async def test_what_is_ready_waits_for_the_person_and_says_so(dashboard) -> None:
    ready = a_task("cart", TaskState.VERIFIED, merge_ready=True, gates=gates("merged result"))
    async with dashboard(ScriptedEngine(a_plan(ready)), (200, 50)) as it:
        assert "your order to land" in it.board_row("cart")


async def test_a_click_selects_and_a_double_click_opens(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.pilot.click("#tasks", offset=(30, 3))
        assert it.board.selected == ("shop", "cart-discount")
        await it.pilot.click("#tasks", offset=(30, 3), times=2)
        await it.until(lambda: it.sees("shop / cart-discount"))


async def test_a_click_beside_the_tasks_changes_nothing(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        before = it.board.selected
        for y in (0, 1, 20):
            await it.pilot.click("#tasks", offset=(30, y))
        assert it.board.selected == before


async def test_no_plan_says_how_to_begin(dashboard) -> None:
    async with dashboard(ScriptedEngine(), (80, 24)) as it:
        assert it.sees("Nothing is being built", "clerk run PLAN")
        await it.press("j", "enter", "m", "M", "slash", "o", "escape")
        assert it.sees("Nothing is being built")


async def test_an_engine_that_stops_is_told_and_its_return_is_noticed(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        engine.stop()
        await it.until(lambda: it.sees("engine stopped; showing the last known state"))
        assert it.sees("cart-total")
        await it.press("j", "m")
        assert engine.calls == []
        assert it.notices == []
        engine.change("shop", "cart-total", state=TaskState.MERGED)
        engine.start()
        await it.until(lambda: not it.sees("engine stopped"))
        await it.until(lambda: it.sees("2/13 landed"))


async def test_no_engine_at_all_is_no_crash(dashboard) -> None:
    engine = ScriptedEngine()
    engine.stop()
    async with dashboard(engine, (80, 24)) as it:
        assert it.sees("No engine answers yet", "engine stopped")


async def test_help_explains_every_key_and_mark(dashboard) -> None:
    async with dashboard(a_lively_engine(), (120, 60)) as it:
        await it.press("question_mark")
        await it.until(lambda: it.sees("Keys and marks", "Land every task", "Open a shell"))
        await it.press("G")
        await it.until(lambda: it.sees("needs you", "cached"))
        await it.press("escape")
        assert not it.sees("Keys and marks")


async def test_quitting_says_that_the_engine_goes_on(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.press("q")
        assert "engine goes on" in str(it.app._exit_renderables)


async def test_a_new_question_rings_the_bell(dashboard, monkeypatch) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", TaskState.RUNNING)))
    async with dashboard(engine) as it:
        rings: list[str] = []
        monkeypatch.setattr(it.app, "bell", lambda: rings.append("ring"))
        engine.change("shop", "cart", activity="reading")
        await it.until(lambda: it.sees("reading"))
        assert rings == []
        engine.change("shop", "cart", state=TaskState.NEEDS_INPUT)
        await it.until(lambda: it.sees("? needs you"))
        assert rings == ["ring"]

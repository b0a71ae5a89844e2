"""A log of any size on the screen: only what is seen is asked for, and every place can be gone to."""

from __future__ import annotations

import pytest
from scripted.building_site import a_lively_engine

import tui.screens.log
from orchestrator.api.log_views import LogName, LogPage
from tui.lines_view import LinesView
from tui.log_window import PAGE_BYTES, PAGES_HELD, LogWindow
from tui.screens.log import LogScreen, begin_of_line

pytestmark = pytest.mark.anyio

LINES = 200_000


async def open_log(it, engine) -> LinesView:
    name = LogName(attempt=2, raw=True)
    await it.app.push_screen(LogScreen(("shop", "cart-total"), name, "a log", lambda: engine))
    await it.until(lambda: it.sees(f"raw line {LINES - 1}"))
    return it.app.screen.query_one("#log-lines", LinesView)


async def test_a_check_leads_to_its_whole_log_and_back(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        await it.select("cart-total")
        await it.press("enter", "2")
        await it.until(lambda: it.sees("log ▸"))
        await it.press("tab", "tab", "enter")
        await it.until(lambda: it.sees("shop / cart-total  ·  e2e", "12 passed in 9.8s"))
        await it.press("escape")
        await it.until(lambda: it.sees("its branch at"))


async def test_a_huge_log_is_opened_at_its_end_and_hardly_read(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await open_log(it, engine)
        assert it.sees("(100 %)")
        assert sum(end - start for start, end in engine.pages) <= (PAGES_HELD + 1) * PAGE_BYTES


async def test_the_reader_goes_anywhere_and_little_is_held(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        it.app.animation_level = "none"  # each page up would take its half second
        pane = await open_log(it, engine)
        await it.press("g")
        await it.until(lambda: it.sees("raw line 0 ", "raw line 3"))
        await it.press("5")
        await it.until(lambda: it.sees("(50 %)") or it.sees("(51 %)"))
        await it.press("G")
        await it.until(lambda: it.sees(f"raw line {LINES - 1}"))
        for _ in range(60):
            await it.press("pageup")
        held = pane.text.splitlines()
        numbers = [int(line.split()[-1]) for line in held if line.strip()]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "without a gap"
        assert len(pane.text) < (PAGES_HELD + 2) * PAGE_BYTES
        top = it.shown.splitlines()[10].split()[-1]
        assert numbers[0] < int(top) < LINES - 1_000, "and the reader is far from the end"


async def test_a_text_is_looked_for_where_the_log_lies(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await open_log(it, engine)
        await it.press("g")
        await it.until(lambda: it.sees("raw line 0 "))
        await it.press("slash", *"line 15000", "enter")
        await it.until(lambda: it.sees("raw line 15000"))
        await it.press("n")
        await it.until(lambda: it.sees("raw line 150000"))
        await it.press("N")
        await it.until(lambda: it.sees("raw line 15000 "))
        await it.press("slash", *"absent", "enter")
        await it.until(lambda: it.sees("nothing more like"))


async def test_a_log_that_grows_is_followed_at_its_end(dashboard, monkeypatch) -> None:
    monkeypatch.setattr(tui.screens.log, "SECONDS_BETWEEN_LOOKS", 0.02)
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await open_log(it, engine)
        engine.raw_logs["cart-total", 2] += "the newest line\n"
        await it.until(lambda: it.sees("the newest line"))


def test_a_log_that_grows_bit_by_bit_lets_nothing_of_it_go() -> None:
    window, size = LogWindow(), 90
    window.begin(LogPage(text="one\n", start=86, end=size, size=size))
    for number in range(10 * PAGES_HELD):
        text = f"line {number}\n"
        page = LogPage(text=text, start=size, end=size + len(text), size=size + len(text))
        assert window.add(page) == ([], [])
        size = window.size
    told = [line.text for line in window.lines()]
    assert (told[0], told[-1], len(told)) == ("one", "line 59", 61)
    assert (window.start, window.end) == (86, size)


def test_a_search_never_leads_before_the_page_whatever_stands_in_it() -> None:
    page = LogPage(text="one\ntwo \ufffd\ufffd\ufffd", start=90, end=101, size=200)
    assert begin_of_line(page) >= 90
    garbage = LogPage(text="\ufffd" * 400, start=0, end=400, size=900)
    assert begin_of_line(garbage) == 0
    assert begin_of_line(LogPage(text="one\ntwo", start=90, end=97, size=200)) == 94


async def test_a_check_that_runs_leads_to_its_log_which_is_followed(dashboard, monkeypatch) -> None:
    monkeypatch.setattr(tui.screens.log, "SECONDS_BETWEEN_LOOKS", 0.02)
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await it.select("search")
        await it.press("enter", "2")
        await it.until(lambda: it.sees("● e2e", "log ▸"))
        await it.press("tab", "enter")
        await it.until(lambda: it.sees("search  ·  e2e, as it runs", "check 'e2e' has not begun"))
        engine.check_logs["search", "e2e"] = "".join(f"case {n} passed\n" for n in range(100))
        await it.until(lambda: it.sees("case 99 passed"))
        engine.check_logs["search", "e2e"] += "case 100 passed\n"
        await it.until(lambda: it.sees("case 100 passed"))
        engine.check_logs["search", "e2e"] = "it runs again\n"
        await it.until(lambda: it.sees("it runs again"))
        assert not it.sees("case 100 passed")


async def test_a_log_that_is_gone_is_told(dashboard) -> None:
    engine = a_lively_engine()
    async with dashboard(engine) as it:
        await open_log(it, engine)
        engine.raw_logs.clear()
        await it.press("g")
        await it.until(lambda: it.sees("there is no such log any more"))
        engine.stop()
        await it.press("g")
        await it.until(lambda: it.sees("does not answer"))
        await it.press("q")
        await it.until(lambda: not isinstance(it.app.screen, LogScreen))

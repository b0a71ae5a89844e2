"""A log of 200 MB that is one line, and hostile: opened at once, read anywhere, held in little."""

from __future__ import annotations

import pytest
from scripted.endless_log import NEEDLE, OnDisk, write
from scripted.hostile_site import SIGN, UNSAFE
from scripted.real_terminal import in_a_terminal

from orchestrator.api.log_views import LogName
from tui.log_window import PAGE_BYTES, PAGES_HELD
from tui.screens.log import LogScreen

pytestmark = pytest.mark.slow


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "endless.log"
    write(path)
    yield path
    path.unlink()


@pytest.mark.anyio
async def test_a_line_of_200_mb_is_read_like_any_other(dashboard, log) -> None:
    engine = OnDisk(log)
    async with dashboard(engine) as it:
        it.app.animation_level = "none"
        name = LogName(attempt=1, raw=True)
        await it.app.push_screen(LogScreen(("shop", "cart"), name, "a log", lambda: engine))
        pane = it.app.screen.query_one("#log-lines")
        steady = 0

        async def look(*texts: str) -> None:
            """See these, nothing unsafe, and no more held or asked for than what is near."""
            nonlocal steady
            await it.until(lambda: it.sees(*texts))
            for _ in range(20):
                await it.pilot.pause()
            asked = sum(end - start for start, end in engine.pages[steady:])
            assert asked <= (PAGES_HELD + 2) * PAGE_BYTES, "it does not read to and fro"
            assert len(pane.text) <= (PAGES_HELD + 1) * PAGE_BYTES
            assert not UNSAFE.search(it.shown)
            steady = len(engine.pages)

        await look(SIGN, " last", "(100 %)", "the end ")
        await it.press("pageup")
        await look("LLLL")
        for _ in range(5):
            await it.press("pageup")
        await look("LLLL")
        assert SIGN not in it.shown, "the reader goes back within the line"
        await it.press("5")
        await look("LLLL", "(50 %)")
        before = pane.scroll_offset.y
        await it.press("pagedown")
        assert pane.scroll_offset.y > before
        await look("LLLL", "(50 %)")
        await it.press("slash", *NEEDLE, "enter")
        await it.until(lambda: NEEDLE in pane.text)
        await look(NEEDLE)
        await it.press("g")
        await look("first ", SIGN)
        await it.press("G")
        await look(" last", "(100 %)")


def test_a_real_terminal_is_sent_nothing_of_such_a_line_but_its_letters(log) -> None:
    steps = (
        (SIGN, "\r"), ("Transcript", "5"), ("generating ", "\t"), ("attempt 1  ", "\r"), (" last", "5"),
        ("(50 %)", "/"), ("look for", f"{NEEDLE}\r"), (SIGN, "g"), ("first ", "q"), ("Transcript", "b"),
        ("gates", "q"),
    )  # fmt: skip
    text = in_a_terminal(["-m", "scripted.endless_log", str(log)], steps)
    for shown in ("(50 %)", NEEDLE, " last", "first "):
        assert shown in text
    assert text.count(SIGN) > len(steps) // 2

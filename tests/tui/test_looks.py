"""What is seen without colours, on a light ground, in a small and in a large terminal."""

from __future__ import annotations

import pytest
from rich.color import ColorType
from scripted.building_site import a_lively_engine, check
from scripted.engine import ScriptedEngine, a_plan, a_task
from textual.color import Color

from orchestrator.states import TaskState, Verdict
from tui.app import ClerkApp, Manner
from tui.ink import Ink
from tui.key_bar import KeyBar, Shown, fitting
from tui.marks import CACHED, CHECKING, LEGEND, SKIPPED, UNCHECKED, check_mark

pytestmark = pytest.mark.anyio


async def test_marks_of_checks_differ_in_shape_since_no_word_stands_beside_them() -> None:
    marks = [check_mark(check("a", verdict)) for verdict in Verdict]
    signs = [mark.sign for mark in (*marks, CACHED, CHECKING, SKIPPED, UNCHECKED)]
    assert len(set(signs)) == len(signs)
    assert len({(mark.sign, mark.word) for mark in LEGEND}) == len(LEGEND)


async def test_no_color_leaves_no_colour(monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ClerkApp(a_lively_engine)
    assert app.no_color
    async with app.run_test(size=(120, 35)) as pilot:
        while app.site.status is None:
            await pilot.pause()
        await pilot.pause()
        grey = {
            triplet.red == triplet.green == triplet.blue
            for strip in app.screen._compositor.render_strips()
            for segment in strip.apply_filter(app._filters[-1], Color(0, 0, 0))
            if segment.style and segment.style.color
            and segment.style.color.type is ColorType.TRUECOLOR
            for triplet in (segment.style.color.triplet,)
        }  # fmt: skip
        assert grey == {True}


async def test_each_theme_can_be_read_and_t_turns_them() -> None:
    engine = a_lively_engine()
    app = ClerkApp(lambda: engine, manner=Manner(light=True))
    async with app.run_test(size=(120, 35)) as pilot:
        while app.site.status is None:
            await pilot.pause()
        for dark in (False, True, False):
            assert app.current_theme.dark is dark
            ground = app.screen.background_colors[1]
            for ink in (Ink.PLAIN, Ink.STRONG, Ink.RUNNING, Ink.FAILED, Ink.MERGE_READY, Ink.RETRYING, Ink.VERIFYING):  # fmt: skip
                styles = app.screen.get_component_styles(ink)
                assert _contrast(ground + styles.color, ground) >= 4.5, (dark, ink)
            await pilot.press("T")
            await pilot.pause()


def _contrast(ink: Color, ground: Color) -> float:
    """As WCAG reckons it; 4.5 is what text needs."""

    def light(colour: Color) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(ink), light(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_help_and_quit_are_on_the_last_line_at_every_width(dashboard, width) -> None:
    async with dashboard(a_lively_engine(), (width, 24)) as it:
        last = it.shown.splitlines()[-1]
        assert "? Help" in last
        assert "q Quit" in last


async def test_where_keys_have_no_room_those_before_the_last_two_go() -> None:
    keys = [Shown(letter, letter, "Label", "") for letter in "abcdef"]
    assert [key.key for key in fitting(keys, 60)] == list("abcdef")
    assert [key.key for key in fitting(keys, 30)] == ["a", "e", "f"]
    assert [key.key for key in fitting(keys, 5)] == ["e", "f"]
    assert fitting([], 10) == []


async def test_a_click_on_a_key_presses_it(dashboard) -> None:
    engine = ScriptedEngine(a_plan(a_task("cart", TaskState.RUNNING)))
    async with dashboard(engine) as it:
        at = it.shown.splitlines()[-1].index("Pause")
        await it.pilot.click(KeyBar, offset=(at, 0))
        await it.until(lambda: engine.calls == [("pause", "shop", "cart")])


async def test_every_binding_of_ours_can_be_told_and_rebound(dashboard) -> None:
    async with dashboard(a_lively_engine()) as it:
        screen, app = type(it.app.screen), type(it.app)
        own = [b for b in (*screen.BINDINGS, *app.BINDINGS, *screen.__mro__[1].BINDINGS) if b.show]
        assert own
        assert all(binding.id and binding.tooltip and binding.description for binding in own)

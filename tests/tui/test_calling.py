"""The terminal calls its person: once, in its title, and as a notification where that is wanted."""

from __future__ import annotations

import re

import pytest
from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.states import TaskState
from tui.app import ClerkApp, Manner
from tui.terminal import RESTORE_TITLE, SAVE_TITLE, Notices, notice, title

pytestmark = pytest.mark.anyio

HOSTILE = "x\x1b]52;c;ZXZpbA==\x07\x1b[31m;\x9b2J\u202e\nsecond"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything that is said to the terminal itself, and each ring."""
    heard: list[str] = []
    monkeypatch.setattr(ClerkApp, "say_to_terminal", lambda _, text: heard.append(text))
    monkeypatch.setattr(ClerkApp, "bell", lambda _: heard.append("ring"))
    return heard


def needy(engine: ScriptedEngine, task: str, **fields) -> None:
    engine.change("shop", task, state=TaskState.NEEDS_INPUT, asks=True, **fields)


async def test_it_rings_once_for_each_new_need_and_never_again(dashboard, said) -> None:
    engine = ScriptedEngine(a_plan(a_task("a", TaskState.FAILED), a_task("b"), a_task("c")))
    async with dashboard(engine) as it:
        assert "ring" not in said, "what stood so before is no news"
        needy(engine, "b")
        await it.until(lambda: it.sees("2 need you"))
        for n in range(5):
            engine.change("shop", "c", activity=f"step {n}")
            await it.pilot.pause()
        engine.stop()
        await it.until(lambda: it.sees("engine stopped"))
        engine.start()
        await it.until(lambda: not it.sees("engine stopped"))
        assert said.count("ring") == 1
        needy(engine, "c")
        await it.until(lambda: said.count("ring") == 2)


async def test_the_title_counts_and_changes_only_when_that_does(dashboard, said) -> None:
    engine = ScriptedEngine(a_plan(a_task("a", TaskState.RUNNING)))
    async with dashboard(engine) as it:
        assert said[:2] == [SAVE_TITLE, title("clerk: nothing needs you")]
        engine.change("shop", "a", activity="reading")
        await it.until(lambda: it.sees("reading"))
        needy(engine, "a")
        await it.until(lambda: title("clerk: 1 needs you") in said)
        assert len([text for text in said if text.startswith("\x1b]0")]) == 2
        engine.stop()
        await it.until(lambda: said[-1] == title("clerk: no engine"))
    assert said[-1] == RESTORE_TITLE


@pytest.mark.parametrize("kind", Notices)
async def test_a_notification_is_what_the_setting_says(kind, said) -> None:
    engine = ScriptedEngine(a_plan(a_task("a"), a_task("b")))
    app = ClerkApp(lambda: engine, manner=Manner(bell=False, notices=kind))
    async with app.run_test() as pilot:
        while app.site.status is None:
            await pilot.pause()
        app.on_status_read(type("Told", (), {"status": _with_needs(app.site.status)})())
    notices = [text for text in said if re.match(r"\x1b\](9|777);", text)]
    told = "shop/a asks: which key? and 1 more"
    wanted = {Notices.OSC9: f"\x1b]9;{told}\x07", Notices.OSC777: f"\x1b]777;notify;Clerk of Works;{told}\x07"}  # fmt: skip
    assert notices == ([wanted[kind]] if kind in wanted else [])
    assert "ring" not in said


def _with_needs(status):
    tasks = (
        a_task("a", TaskState.NEEDS_INPUT, asks=True, reason="which key?"),
        a_task("b", TaskState.FAILED),
    )
    return status.model_copy(update={"plans": (a_plan(*tasks),)})


@pytest.mark.parametrize("kind", [Notices.OSC9, Notices.OSC777])
async def test_foreign_text_ends_no_sequence_and_begins_none(kind) -> None:
    said = notice(kind, HOSTILE)
    assert said.startswith("\x1b]")
    assert said.endswith("\x07")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", said[2:-1])
    assert said.count(";") == (1 if kind is Notices.OSC9 else 3)
    assert not re.search("[\x00-\x1f\x7f-\x9f]", title(HOSTILE)[2:-1])

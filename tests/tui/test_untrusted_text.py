"""Whatever strangers wrote is shown as it is, obeyed by nobody, and never reaches a terminal raw."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from scripted.hostile_site import NASTY, SIGN, UNSAFE, a_hostile_engine
from scripted.real_terminal import in_a_terminal

import tui
from orchestrator.states import TaskState
from tui.screens.log import LogScreen
from tui.screens.question import QuestionScreen
from tui.screens.task import TaskScreen

WALK = ("u", "d", "t", "b", "\r", "3", "5", "6", "2", "\t", "\t", "\r", "q", "b", "q")
"""Keys through every place, most panes of a task and a log, and out again."""


@pytest.mark.anyio
async def test_hostile_text_is_inert_wherever_it_is_shown(dashboard) -> None:
    engine = a_hostile_engine()
    async with dashboard(engine, (200, 50)) as it:

        async def look(*keys: str) -> None:
            await it.press(*keys)
            await it.until(lambda: it.sees(SIGN))
            assert not UNSAFE.search(it.shown), keys

        await look()
        await it.select("cart")
        await look("r")
        await look("escape", "A")
        await look("escape", "c")
        await look("escape", "a")
        await it.until(lambda: it.notices)
        assert not UNSAFE.search("".join(it.notices))
        for key in "udt":
            await look(key)
        await look("b")
        await it.select("cart")
        await it.press("enter")
        await it.until(lambda: it.sees("attempt 1"))
        for keys in ("1", "f", "2", "3", "f", "4", "5", "6"):
            await look(keys)
        await it.pilot.click("#facts", offset=(10, 1))
        assert isinstance(it.app.screen, TaskScreen)
        await it.press("2")
        await it.until(lambda: it.sees("log ▸"))
        await it.press("tab", "tab", "enter")
        await it.until(lambda: isinstance(it.app.screen, LogScreen))
        await look()
        assert it.app.is_running
        assert it.app.return_code is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("m", {"state": TaskState.VERIFIED, "merge_ready": True}),
        ("M", {"state": TaskState.VERIFIED, "merge_ready": True}),
        ("x", {"state": TaskState.VERIFIED}),
        ("R", {"state": TaskState.MERGED, "merged_commit": NASTY}),
    ],
)
async def test_what_a_question_tells_of_commits_and_files_is_inert(dashboard, key, fields) -> None:
    engine = a_hostile_engine()
    engine.change("shop", "cart", held="", blocked_by=(), approved=True, **fields)
    async with dashboard(engine, (120, 40)) as it:
        await it.select("cart")
        await it.press(key)
        await it.until(lambda: isinstance(it.app.screen, QuestionScreen) and it.sees(SIGN))
        assert not UNSAFE.search(it.shown)
        await it.press("escape")
        await it.press("y")
        assert not UNSAFE.search(it.app.clipboard)


@pytest.mark.anyio
async def test_a_line_of_two_million_characters_is_cut_and_costs_little(dashboard) -> None:
    async with dashboard(a_hostile_engine(), (80, 24)) as it:
        await it.select("cart")
        await it.press("enter")
        await it.until(lambda: it.sees("attempt 1"))
        pane = it.app.screen.query_one("#transcript-lines")
        await it.until(lambda: SIGN in pane.text)
        assert len(pane.text) < 20_000


def test_a_real_terminal_is_sent_nothing_a_stranger_wrote() -> None:
    text = in_a_terminal(["-m", "scripted.hostile_site"], [(SIGN, key) for key in WALK])
    assert text.count(SIGN) >= len(WALK) - 3, "it was shown, as it is, wherever one went"


MARKUP_READERS = {
    "Static", "Label", "Button", "Checkbox", "RadioButton", "OptionList", "SelectionList", "Select",
    "ListItem", "Collapsible", "Tab", "TabPane", "notify", "update", "Tooltip", "Link", "Digits",
}  # fmt: skip
MARKUP_ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "label"}
TREES = {
    path.relative_to(Path(tui.__file__).parent).as_posix(): ast.parse(path.read_text())
    for path in Path(tui.__file__).parent.rglob("*.py")
}


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _is_safe(node: ast.expr) -> bool:
    """Literals hold no foreign text, ``plain`` makes content of it; names of panes are ours."""
    if isinstance(node, ast.Constant):
        return True
    return isinstance(node, ast.Call) and (
        _called(node) == "plain" or ast.unparse(node) == "name.capitalize()"
    )


def _offences(tree: ast.AST) -> list[str]:
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call) and _reads_markup(node)]
    assigned = [node for node in nodes if isinstance(node, ast.Assign) and _sets_markup(node)]
    return [ast.unparse(node) for node in (*calls, *assigned)]


def _reads_markup(call: ast.Call) -> bool:
    off = any(k.arg == "markup" and ast.unparse(k.value) == "False" for k in call.keywords)
    named = _called(call) in MARKUP_READERS
    return named and bool(call.args) and not off and not _is_safe(call.args[0])


def _sets_markup(assign: ast.Assign) -> bool:
    names = {getattr(target, "attr", "") for target in assign.targets}
    return bool(names & MARKUP_ATTRIBUTES) and not _is_safe(assign.value)


@pytest.mark.parametrize("path", sorted(TREES))
def test_nothing_foreign_reaches_a_reader_of_markup(path: str) -> None:
    assert _offences(TREES[path]) == []


def test_the_lint_sees_what_it_should() -> None:
    assert _offences(ast.parse("Static(title)")) == ["Static(title)"]
    assert _offences(ast.parse("self.notify(f'{x}')"))
    assert _offences(ast.parse("w.border_title = name"))
    assert not _offences(ast.parse("Static(title, markup=False); Label(plain(x)); Label('x')"))


def test_colours_stand_in_the_theme_alone() -> None:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and path != "theme.py"
            ):
                assert not re.fullmatch(r"#[0-9a-fA-F]{3,8}", node.value), path
    for sheet in Path(tui.__file__).parent.rglob("*.tcss"):
        assert not re.search(r":[^;]*#[0-9a-fA-F]{3,8}\b", sheet.read_text()), sheet.name

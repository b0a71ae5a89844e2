from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from scripted.building_site import check, gates
from scripted.engine import ScriptedEngine, a_plan, a_task

import tui
from orchestrator.states import TaskState, Verdict

NASTY = "x [@click=app.quit()]q[/] [/foo] [a=1,b='x'] \x1b]52;c;ZXZpbA==\x07\x1b[31mR\u202egnp \u200b\x9b2J\x00"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]")


@pytest.mark.anyio
async def test_hostile_text_is_inert_wherever_it_is_shown(dashboard) -> None:
    task = a_task(
        "cart", TaskState.NEEDS_INPUT, title=NASTY, reason=NASTY, held=NASTY, agent=NASTY,
        activity=NASTY, attempt=1, blocked_by=(NASTY,), approve=True,
        checks=(check(NASTY, Verdict.FAILED, reason=NASTY),), gates=gates(),
    )  # fmt: skip
    engine = ScriptedEngine(a_plan(task, warnings=(NASTY,), target=NASTY))
    engine.write("cart", NASTY + "\n" + NASTY)
    engine.diffs["cart"] = f"+{NASTY}\n-{NASTY}"
    engine.briefs["cart"] = NASTY
    engine.refusals["cart"] = NASTY
    async with dashboard(engine, (200, 50)) as it:

        async def look(*keys: str) -> None:
            await it.press(*keys)
            await it.pilot.pause()
            assert it.sees("[@click=app.quit()]")
            assert not UNSAFE.search(it.shown)

        await look()
        await look("r")
        await look("escape", "A")
        await look("escape", "a")
        await it.until(lambda: it.notices)
        assert not UNSAFE.search("".join(it.notices))
        await it.press("enter")
        await it.until(lambda: it.sees("attempt 1"))
        for key in "12356":
            await look(key)
        await it.pilot.click("#facts", offset=(10, 1))
        assert it.app.is_running
        assert it.app.return_code is None


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

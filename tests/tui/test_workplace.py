"""Ways from a task to where its work is."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import pytest
from scripted.engine import ScriptedEngine, a_plan, a_task

from orchestrator.states import TaskState
from tui.app import ClerkApp
from tui.workplace import command, visit

pytestmark = pytest.mark.anyio


def an_engine(worktree="/") -> ScriptedEngine:
    task = a_task("cart", TaskState.RUNNING, worktree=str(worktree), branch="clerk/shop/cart")
    return ScriptedEngine(a_plan(task, a_task("later")))


@pytest.mark.parametrize(
    ("way", "environ", "argv"),
    [
        ("editor", {"EDITOR": "nano"}, ["nano", "."]),
        ("editor", {"EDITOR": "nano", "VISUAL": "code --wait"}, ["code", "--wait", "."]),
        ("editor", {}, ["vi", "."]),
        ("editor", {"EDITOR": " "}, ["vi", "."]),
        ("editor", {"EDITOR": "it's"}, ["it's", "."]),
        ("shell", {"SHELL": "/bin/zsh"}, ["/bin/zsh"]),
        ("shell", {}, ["/bin/sh"]),
    ],
)
async def test_what_is_run_is_what_the_person_has_set(way, environ, argv) -> None:
    assert command(way, environ) == argv


async def test_it_runs_in_the_worktree_and_says_why_it_could_not(tmp_path) -> None:
    assert visit(["sh", "-c", "pwd > here"], str(tmp_path)) == ""
    assert (tmp_path / "here").read_text().strip() == str(tmp_path)
    assert "cannot be started" in visit(["no-such-editor"], str(tmp_path))
    assert "cannot be started" in visit(["true"], str(tmp_path / "gone"))
    assert "cannot be started" in visit(["true"], f"{tmp_path}/\0")


@pytest.mark.parametrize(("key", "variable"), [("e", "VISUAL"), ("s", "SHELL")])
async def test_a_key_lends_the_terminal_and_the_dashboard_comes_back(
    dashboard, monkeypatch, tmp_path, key, variable
) -> None:
    script = tmp_path / "visitor"
    script.write_text("#!/bin/sh\npwd > here\n")
    script.chmod(0o755)
    monkeypatch.setenv(variable, str(script))
    lent: list[str] = []

    @contextmanager
    def suspend(_):
        lent.append("lent")
        yield
        lent.append("back")

    monkeypatch.setattr(ClerkApp, "suspend", suspend)
    engine = an_engine(tmp_path)
    async with dashboard(engine) as it:
        await it.press(key)
        assert lent == ["lent", "back"]
        assert (tmp_path / "here").read_text().strip() == str(tmp_path)
        engine.change("shop", "cart", activity="still here")
        await it.until(lambda: it.sees("still here"))


async def test_an_editor_that_cannot_be_started_is_told(dashboard, monkeypatch) -> None:
    monkeypatch.setattr(ClerkApp, "suspend", lambda _: nullcontext())
    monkeypatch.setenv("VISUAL", "no-such-editor-[/]")
    async with dashboard(an_engine()) as it:
        await it.press("e")
        await it.until(lambda: it.notices)
        assert it.notices[0].startswith("no-such-editor-[/] cannot be started")


async def test_a_terminal_that_cannot_be_lent_tells_where_the_worktree_is(dashboard) -> None:
    async with dashboard(an_engine("/work/tree")) as it:
        await it.press("s")
        await it.until(lambda: any("/work/tree" in notice for notice in it.notices))


async def test_a_browser_has_no_terminal_to_lend(dashboard, monkeypatch) -> None:
    async with dashboard(an_engine()) as it:
        titles = {command.title for command in it.app.screen.commands()}
        assert {"Edit", "Shell", "Copy branch"} <= titles
        monkeypatch.setattr(ClerkApp, "is_web", True)
        titles = {command.title for command in it.app.screen.commands()}
        assert not {"Edit", "Shell"} & titles
        assert "Copy branch" in titles


async def test_y_copies_the_name_of_the_branch(dashboard) -> None:
    async with dashboard(an_engine()) as it:
        await it.press("y")
        assert it.app.clipboard == "clerk/shop/cart"
        assert it.notices == ["copied: clerk/shop/cart"]


async def test_a_task_without_a_worktree_offers_no_way(dashboard) -> None:
    async with dashboard(an_engine()) as it:
        await it.select("later")
        await it.press("e", "s", "y")
        assert it.notices == []

"""The dashboard's keys on a real engine: what they do is seen in git and in what agents are told."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import anyio
import pytest
from waiting import until

from orchestrator.api.client import EngineClient
from orchestrator.api.models import TaskView
from orchestrator.cli.connection import Place
from orchestrator.errors import EngineUnreachable
from tui.app import ClerkApp
from tui.board_model import find_task
from tui.task_board import TaskBoard

from .conftest import Yard

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Opened:
    """A dashboard on the yard's engine."""

    def __init__(self, app: ClerkApp, pilot) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def select(self, task: str) -> None:
        board = self.app.screen_stack[0].query_one(TaskBoard)
        board.selected = ("p", task)
        await until(lambda: self.app.screen_stack[0].key == ("p", task))

    def task(self, name: str) -> TaskView:
        """The task as the dashboard knows it."""
        return find_task(self.app.site.status, ("p", name))

    async def sees(self, *texts: str) -> None:
        await until(lambda: all(text in self.shown for text in texts))

    @property
    def warnings(self) -> tuple[str, ...]:
        (plan,) = self.app.site.status.plans
        return plan.warnings

    @property
    def shown(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips).replace("\u00a0", " ")


@asynccontextmanager
async def dashboard(yard: Yard):
    place = Place(yard.state.parent, yard.state)

    def connect() -> EngineClient:
        if place.socket is None:
            raise EngineUnreachable("none")
        return EngineClient.on_socket(place.socket)

    app = ClerkApp(connect)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(lambda: app.site.status)
        yield Opened(app, pilot)


async def off(work) -> None:
    """What a test does to the engine, beside the dashboard that goes on."""
    await anyio.to_thread.run_sync(work)


async def test_merging_reverting_and_an_engine_that_comes_back(yard):
    plan = yard.plan({"cart": "echo good > a.txt", "mail": "echo good > b.txt"})
    yard.clerk("start", str(plan))
    async with dashboard(yard) as it:
        await it.sees("2 ready")
        await it.select("cart")
        await it.press("m")
        await it.sees("Merge cart into main?", "1 commit:", "a.txt", "1 file, +1 -0")
        await it.press("enter")
        await it.sees("1/2 landed")
        assert "a.txt" in yard.git("ls-tree", "--name-only", "main").split()

        await off(lambda: yard.clerk("stop"))
        await it.sees("engine stopped; showing the last known state", "1/2 landed")
        await off(lambda: yard.clerk("start"))
        await until(lambda: "engine stopped" not in it.shown)

        await it.press("M")
        await it.sees("Merge 1 task?", "mail")
        await it.press("enter")
        await it.sees("2/2 landed")
        await it.select("cart")
        await it.press("R")
        await it.sees("Take cart back from main?", "a.txt")
        await it.press("y")
        await it.sees("1/2 landed", "↶ 1 reverted")
        assert "cancelled" not in it.shown
    assert yard.git("ls-tree", "--name-only", "main").split() == ["b.txt", "check.sh", "first.txt"]


async def test_leave_to_bring_the_persons_own_checkout_along_is_a_key(yard):
    yard.git("checkout", "-q", "main")
    yard.clerk("start", str(yard.plan({"cart": "echo good > a.txt"})))
    async with dashboard(yard) as it:
        await it.sees("1 ready")
        assert any("landing will wait" in told for told in it.warnings)
        await it.press("m")
        await it.sees("Merge cart into main?")
        await it.press("enter")
        await it.sees("U Update checkout", "? 1 needs you", "queue held")
        assert not (yard.path / "a.txt").exists()
        await it.press("U")
        await it.sees("Let your checkout of main follow?", "Landing then: cart.", "a.txt")
        await it.press("y")
        await it.sees("1/1 landed")
        assert not any("landing will wait" in told for told in it.warnings), "there is leave"
        assert (yard.path / "a.txt").read_text() == "good\n"
        assert yard.git("status", "--porcelain") == ""
        yard.git("checkout", "-q", "--detach")
        await it.press("R")
        await it.sees("Take cart back from main?")
        await it.press("y")
        await it.sees("↶ 1 reverted")


async def test_notes_reach_the_agent_and_the_line_can_be_changed(yard):
    plan = yard.plan(
        {
            "bad": {"do": ["echo bad > a.txt", "echo good > a.txt"], "budget": {"attempts": 1}},
            "slow": f"{yard.waits('slow')}; echo good > b.txt",
            "next": {"do": "echo good > c.txt", "approve": True},
        },
        parallel=3,
    )
    yard.clerk("start", str(plan))
    yard.begun("slow")
    async with dashboard(yard) as it:
        await it.sees("✗ failed")
        await it.select("bad")
        await it.press("r")
        await it.sees("Retry bad?")
        await it.press(*"the word is good", "enter")
        await it.sees("merge-ready")
        assert "the word is good" in yard.prompt("bad", 2)

        await it.select("next")
        await it.press("a")
        await it.sees("2 ready")
        await it.select("slow")
        await it.press("plus", "plus", "minus")
        await until(lambda: it.task("slow").rank == 1)
        await it.press("p")
        await until(lambda: it.task("slow").paused)
        await it.press("p")
        await until(lambda: not it.task("slow").paused)
        await it.press("c")
        await it.sees("Cancel slow?")
        await it.press("y")
        await it.sees("- cancelled")


async def test_only_what_changed_travels_and_it_is_all_there_is(yard):
    plan = yard.plan({name: f"{yard.waits(name)}; echo good > {name}.txt" for name in "abc"})
    yard.clerk("start", str(plan))
    for name in "abc":
        yard.begun(name)
    async with EngineClient.on_socket(Path(yard.holder.socket)) as client:
        first = await client.changes()
        assert first.whole
        assert [task.id for plan in first.status.plans for task in plan.tasks] == ["a", "b", "c"]
        yard.gate("b").touch()
        await off(lambda: yard.until("b", "verified"))
        later = await client.changes(first.revision)
        assert not later.whole
        assert [task.id for plan in later.status.plans for task in plan.tasks] == ["b"]
        assert (await client.changes(later.revision + 1_000)).whole, "of another engine's life"
        await off(lambda: yard.clerk("start", str(yard.plan({"d": "true"}, name="q"))))
        assert (await client.changes(later.revision)).whole, "since a plan came"


async def test_opening_an_editor_lends_the_very_worktree(yard, monkeypatch):
    script = yard.home / "visitor"
    script.write_text('#!/bin/sh\ngit -C "$1" rev-parse --show-toplevel > "$0.told"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setattr(ClerkApp, "suspend", lambda _: nullcontext())
    yard.clerk("start", str(yard.plan({"cart": "echo good > a.txt"})))
    yard.until("cart", "verified")
    async with dashboard(yard) as it:
        await it.sees("1 ready")
        await it.press("e")
        await it.press("y")
        assert it.app.clipboard == "clerk/p/cart"
    told = (yard.home / "visitor.told").read_text().strip()
    assert Path(told).samefile(f"{yard.path}.worktrees/p/cart")

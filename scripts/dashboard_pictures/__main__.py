"""The demo's shop is built, the dashboard looks on, and where it is worth it a picture is taken.

The dashboard is the real one, at the real engine; only its terminal is missing. Every picture
waits for what it is to show, so that a slow machine takes the same ones.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shop_demo.__main__ import clerk
from shop_demo.sample import PLAN, make_sample

from dashboard_pictures.png import small
from dashboard_pictures.svg import placed
from orchestrator.api.client import EngineClient
from orchestrator.cli.connection import find_place
from orchestrator.states import SETTLED, TaskState
from tui.app import ClerkApp
from tui.screens.question import QuestionScreen
from tui.task_board import TaskBoard

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from orchestrator.api.models import StatusView, TaskView

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "img"
SIZE = (120, 33)
ZOOM = "0.68"
PATIENCE_SECONDS = 300.0
TWICE = "cart-total"
"""A task that needs two attempts."""


class Visit:
    """A person at the dashboard, with a camera."""

    def __init__(self, app: ClerkApp, pilot: Pilot[None], wanted: set[str]) -> None:
        self._app = app
        self._pilot = pilot
        self._wanted = wanted
        self.taken: dict[str, str] = {}

    async def until(self, told: Callable[[StatusView], object]) -> None:
        """Wait until the engine has told of it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._app.site.status is None or not told(self._app.site.status):
                await self._pilot.pause(0.1)

    async def asked(self) -> None:
        """Wait until the dashboard asks back."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not isinstance(self._app.screen, QuestionScreen):
                await self._pilot.pause(0.1)

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause(1.0)

    def select(self, task: str) -> None:
        self._app.screen.query_one(TaskBoard).selected = ("shop", task)

    def take(self, name: str) -> None:
        """Take a picture of what is shown; it is developed later, since the demo does not wait."""
        if not self._wanted or name in self._wanted:
            self.taken[name] = placed(self._app.export_screenshot(title="clerk"))


def develop(name: str, svg: str) -> None:
    """Make the picture, as small as it can be without being worse to look at."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    picture = IMAGES / f"{name}.png"
    command = ["rsvg-convert", "--zoom", ZOOM]
    drawn = subprocess.run(command, input=svg.encode(), stdout=subprocess.PIPE, check=True)
    picture.write_bytes(small(drawn.stdout))
    print(f"{picture.name}: {picture.stat().st_size // 1024} KB", file=sys.stderr, flush=True)


async def look_on(repository: Path, wanted: set[str]) -> dict[str, str]:
    socket = find_place(str(repository)).socket
    if socket is None:
        raise SystemExit("pictures: the demo's engine did not start")
    app = ClerkApp(lambda: EngineClient.on_socket(socket))
    async with app.run_test(size=SIZE) as pilot:
        visit = Visit(app, pilot, wanted)
        await visit.until(lambda status: among(status, lambda task: task.merge_ready) >= 3)
        await visit.press("d")
        visit.take("graph")
        await visit.press("b")
        visit.take("board")
        await visit.until(lambda status: among(status, lambda task: task.merge_ready) >= 5)
        await visit.press("M")
        await visit.asked()
        await visit.press("y", "u")
        await visit.until(lambda status: any(e.candidate for q in status.queues for e in q.entries))
        visit.take("queue")
        await visit.press("b")
        await visit.until(lambda status: settled_or_ready(status, TWICE))
        visit.select(TWICE)
        await visit.press("enter")
        for key, name in (("3", "diff"), ("4", "readiness"), ("5", "timeline")):
            await visit.press(key)
            visit.take(name)
        await visit.press("2", *["tab"] * 5, "enter")
        visit.take("checks")
        await visit.until(lambda status: among(status, lambda task: task.state in SETTLED) >= 6)
        await visit.press("b", "t")
        visit.take("time")
    return visit.taken


def among(status: StatusView, asked: Callable[[TaskView], bool]) -> int:
    return sum(asked(task) for plan in status.plans for task in plan.tasks)


def settled_or_ready(status: StatusView, name: str) -> bool:
    return bool(
        among(
            status,
            lambda task: task.id == name and (task.merge_ready or task.state is TaskState.MERGED),
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="pictures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    wanted = set(parser.parse_args().names)
    if shutil.which("rsvg-convert") is None:
        print("pictures: rsvg-convert is missing: apt install librsvg2-bin", file=sys.stderr)
        return 4
    with tempfile.TemporaryDirectory(prefix="clerk-pictures-") as folder:
        repository = make_sample(Path(folder))
        try:
            clerk(repository, "start", str(PLAN), "--merge", "manual", "--update-checkout")
            taken = asyncio.run(look_on(repository, wanted))
        finally:
            clerk(repository, "stop")
    for name, svg in taken.items():
        develop(name, svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())

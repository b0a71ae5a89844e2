"""The dashboard in a real browser, from its address to a merge on the target."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .conftest import Yard

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 60_000
EMPTY_PAGE_BYTES = 20_000


@pytest.fixture
def browser():
    """Debian's Chromium, driven by Playwright, which brings none of its own."""
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


class Screen:
    """What was painted on a page, as the bytes that came, and what it asked the network for."""

    def __init__(self, page) -> None:
        self.page = page
        self.painted = b""
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda told: told.on("framereceived", self._take))

    def _take(self, frame) -> None:
        self.painted += frame if isinstance(frame, bytes) else b""

    def until(self, text: str) -> None:
        """Wait until a text was painted since the last look."""
        waited = 0
        while text.encode() not in self.painted:
            self.page.wait_for_timeout(50)
            waited += 50
            assert waited < PATIENCE_MS, f"{text} was not painted"
        self.painted = b""


@contextmanager
def served(yard: Yard) -> Iterator[str]:
    """The dashboard's address, for as long as it is served."""
    with yard.start("dashboard", "--web") as serving:
        lines = iter(serving.stdout.readline, "")
        try:
            yield next(line.strip() for line in lines if line.startswith("http"))
        finally:
            serving.send_signal(signal.SIGINT)
            assert serving.wait(30) == 0, "an interrupt is how it ends"


def test_a_task_is_merged_from_the_browser(yard: Yard, browser, tmp_path):
    plan = yard.plan({"cart": "echo good > a.txt"})
    yard.clerk("start", str(plan))
    yard.until("cart", "verified")
    with served(yard) as address:
        assert address.startswith("http://127.0.0.1:")
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        screen = Screen(page)
        page.goto(address)
        screen.until("merge-ready")
        page.screenshot(path=tmp_path / "board.png")
        assert (tmp_path / "board.png").stat().st_size > EMPTY_PAGE_BYTES
        page.keyboard.press("m")  # nobody has to click first
        screen.until("Merge cart into main?")
        page.keyboard.press("Enter")
        yard.until("cart", "merged")
        screen.until("merged")
        assert {url.split("/")[2] for url in screen.asked} == {address.split("/")[2]}
        page.keyboard.press("q")
        page.wait_for_selector("body.-closed", timeout=PATIENCE_MS)
    assert "a.txt" in yard.git("ls-tree", "--name-only", "main").split()


def test_a_stranger_sees_nothing_in_a_browser(yard: Yard, browser):
    with served(yard) as address:
        page = browser.new_page()
        for stranger in (address.rsplit("/", 2)[0] + "/", address[:-2] + "/"):
            assert page.goto(stranger).status == 404
        page.goto("data:text/html,<p>another page</p>")
        told = page.evaluate(
            """address => new Promise(told => {
                const socket = new WebSocket(address);
                socket.onopen = () => told("open");
                socket.onerror = () => told("refused");
            })""",
            address.replace("http", "ws") + "ws",
        )
        assert told == "refused", "even with the token"

"""A few screens, exactly as they are: what no assertion on words would notice.

When a change is meant: ``CLERK_SNAPSHOTS=write pytest tests/tui/test_snapshots.py``, and look.
"""

from __future__ import annotations

import time

import pytest
from scripted.building_site import a_lively_engine, a_queue
from scripted.pictures import differences

pytestmark = pytest.mark.anyio

SCREENS = {
    "board": ((), "Merge"),
    "diff": (("enter", "3"), "with_quantity"),
    "timeline": (("enter", "5"), "generating"),
    "queue": (("u",), "on top of guide"),
    "graph": (("d",), "cart-discount"),
}


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    """Times of day are shown in the zone of whoever looks."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("name", SCREENS)
async def test_the_screen_is_as_it_was(dashboard, name, size) -> None:
    keys, shows = SCREENS[name]
    engine = a_lively_engine()
    engine.queues = (a_queue(),)
    async with dashboard(engine, size) as it:
        it.app.animation_level = "none"
        await it.select("cart-total")
        await it.press(*keys)
        await it.until(lambda: it.sees(shows))
        await it.pilot.pause()
        told = differences(f"{name}-{size[0]}x{size[1]}", it.app.export_screenshot(title="clerk"))
        assert "\n".join(told) == ""

"""The guard before the browser's dashboard: nobody without the token, nothing from another page."""

from __future__ import annotations

import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tui.web import MOST_PAGES, Site

pytestmark = pytest.mark.anyio

TOKEN = "T0ken-of_this-test"
LIVELY = [sys.executable, "-c", "from scripted.lively_dashboard import main; main()"]


@asynccontextmanager
async def served(monkeypatch, argv=("true",)):
    """The site on a free port, a client, and the site's own origin."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        site = Site(argv, port, TOKEN)
        runner = web.AppRunner(site.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        origin = f"http://127.0.0.1:{port}"
        assert site.address == f"{origin}/{TOKEN}/"
        async with aiohttp.ClientSession(origin) as client:
            try:
                yield client, origin
            finally:
                await client.close()
                await runner.cleanup()


async def test_the_address_shows_the_page_and_nothing_else_does(monkeypatch) -> None:
    async with served(monkeypatch) as (client, origin):
        async with client.get(f"/{TOKEN}/") as answer:
            assert answer.status == 200
            page = await answer.text()
            assert f"ws://{origin.removeprefix('http://')}/{TOKEN}/ws" in page
        for path in (
            "/",
            "/ws",
            f"/{TOKEN}x/",
            f"/{TOKEN[:-1]}/",
            "//",
            "/static/js/textual.js",
            "/focus.js",
        ):
            async with client.get(path) as answer:
                assert answer.status == 404, path
                assert TOKEN not in await answer.text()
        for script in ("static/js/textual.js", "focus.js"):
            assert f'<script src="{script}">' in page
            async with client.get(f"/{TOKEN}/{script}") as answer:
                assert answer.status == 200
                assert answer.content_type.endswith("javascript")
        for path in (f"/{TOKEN}/static/../../web.py", f"/{TOKEN}/static/%2e%2e/%2e%2e/server.py"):
            async with client.get(path) as answer:
                assert answer.status in {403, 404}, path


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:80"])  # fmt: skip
async def test_a_name_that_is_not_ours_is_refused_whatever_it_resolves_to(
    monkeypatch, host
) -> None:
    async with (
        served(monkeypatch) as (client, _),
        client.get(f"/{TOKEN}/", headers={"Host": host}) as answer,
    ):
        assert answer.status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
async def test_another_page_can_open_nothing(monkeypatch, origin) -> None:
    async with served(monkeypatch) as (client, own):
        for path in (f"/{TOKEN}/", f"/{TOKEN}/static/js/textual.js"):
            async with client.get(path, headers={"Origin": origin}) as answer:
                assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"/{TOKEN}/ws", origin=origin)
        assert refused.value.status == 403
        async with client.get(f"/{TOKEN}/", headers={"Origin": own}) as answer:
            assert answer.status == 200


async def test_a_websocket_must_say_where_it_comes_from_and_know_the_token(monkeypatch) -> None:
    async with served(monkeypatch) as (client, own):
        for path, origin, status in (
            (f"/{TOKEN}/ws", None, 403),
            ("/ws", own, 404),
            ("/another-token/ws", own, 404),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(path, origin=origin)
            assert refused.value.status == status, path


async def test_the_page_loads_nothing_from_elsewhere_and_stands_in_no_frame(monkeypatch) -> None:
    async with served(monkeypatch) as (client, _), client.get(f"/{TOKEN}/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        page = await answer.text()
        assert "http://" not in page
        assert "https://" not in page


async def test_a_page_is_a_dashboard_and_ends_with_its_socket(monkeypatch) -> None:
    async with (
        served(monkeypatch, LIVELY) as (client, own),
        client.ws_connect(f"/{TOKEN}/ws?width=120&height=40", origin=own, max_msg_size=0) as page,
    ):
        painted = b""
        while b"cart-total" not in painted:
            message = await page.receive()
            assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}
            painted += message.data if isinstance(message.data, bytes) else b""
        await page.send_json(["stdin", "q"])
        while not page.closed:
            await page.receive()


async def test_only_so_many_pages_are_open_at_once(monkeypatch) -> None:
    async with served(monkeypatch, ["cat"]) as (client, own):
        open_pages = [
            await client.ws_connect(f"/{TOKEN}/ws", origin=own) for _ in range(MOST_PAGES)
        ]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"/{TOKEN}/ws", origin=own)
        assert refused.value.status == 503
        for page in open_pages:
            await page.close()

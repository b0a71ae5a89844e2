"""One open page: a dashboard in a process of its own, and the browser's words brought to it.

textual-serve's service speaks to the process; what it leaves open is closed here. However a page
ends, its process is gone before the page is.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService

if TYPE_CHECKING:
    from textual_serve.download_manager import DownloadManager

PATIENCE_SECONDS = 3.0
"""How long a dashboard has to leave by itself."""

_HEARTBEAT_SECONDS = 15.0
_SIZE = (80, 24)
_LONGEST_MESSAGE = 1 << 20


class Page(AppService):
    """A dashboard for one websocket."""

    def __init__(
        self, command: str, socket: web.WebSocketResponse, downloads: DownloadManager
    ) -> None:
        super().__init__(
            command,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=_closing(socket),
            download_manager=downloads,
        )

    async def end(self) -> None:
        """Ask it to leave, and see to it that it is gone."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.stop()
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    async def hear(self, told: Any) -> Any:
        """Bring one message of the browser to the dashboard; what to answer, if anything."""
        match told:
            case ["stdin", str(text)]:
                await self.send_bytes(text.encode("utf-8", "replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(*_sensible(width, height))
            case ["ping", token]:
                return ["pong", token]
            case ["focus", *_]:
                await self.focus()
            case ["blur", *_]:
                await self.blur()
        return None


async def attend(
    request: web.Request, command: str, downloads: DownloadManager
) -> web.WebSocketResponse:
    """Run a page from its first to its last message."""
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_LONGEST_MESSAGE)
    await socket.prepare(request)
    page = Page(command, socket, downloads)
    try:
        await page.start(*_asked_size(request))
        async for message in socket:
            if message.type is WSMsgType.TEXT and (answer := await page.hear(_read(message.data))):
                await socket.send_json(answer)
    finally:
        await asyncio.shield(page.end())
    return socket


def _closing(socket: web.WebSocketResponse) -> Any:
    async def close() -> None:
        await socket.close()

    return close


def _read(text: str) -> Any:
    """What a message says; nothing, where it is none of ours."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _asked_size(request: web.Request) -> tuple[int, int]:
    try:
        return _sensible(int(request.query["width"]), int(request.query["height"]))
    except (KeyError, ValueError):
        return _SIZE


def _sensible(width: int, height: int) -> tuple[int, int]:
    """No more cells than a wall of screens has."""
    return min(max(width, 1), 1_000), min(max(height, 1), 500)

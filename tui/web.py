"""The same dashboard in a browser: served on the loopback address, to whoever has the token.

textual-serve runs one dashboard a page and has no authentication of its own; what stands before it
is here. Whoever may open the page may order everything, so: 127.0.0.1 alone; a random token as the
first part of every path, compared in constant time; the Host must be ours (no name of somebody
else's that resolves to us) and so must the Origin (no page of somebody else's, no websocket from
one). The page loads nothing from elsewhere, tells nobody where it was, and stands in no frame.
"""

from __future__ import annotations

import secrets
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from textual_serve import __file__ as _served
from textual_serve.download_manager import DownloadManager

from tui.web_page import attend

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
MOST_PAGES = 8
"""Each page is a process of its own."""

_SHUTDOWN_SECONDS = 5.0
_STATICS = Path(_served).parent / "static"
_NAMES = (LOOPBACK, "localhost")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Serves one command under one token."""

    def __init__(self, argv: Sequence[str], port: int, token: str) -> None:
        self._port = port
        self._token = token
        self._command = f"exec {shlex.join(argv)}"
        self._downloads = DownloadManager()
        self._pages = 0

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self._port}/{self._token}/"

    def app(self) -> web.Application:
        """The application, guarded."""
        app = web.Application(middlewares=[self._guard])
        root = f"/{self._token}"
        app.add_routes(
            [
                web.get(f"{root}/", self._index),
                web.get(f"{root}/focus.js", self._focus),
                web.get(f"{root}/ws", self._page),
                web.static(f"{root}/static", _STATICS),
            ]
        )
        app.on_response_prepare.append(self._protect)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if why := self._refusal(request):
            raise web.HTTPForbidden(text=why)
        if not secrets.compare_digest(_first_part(request.path), self._token.encode()):
            raise web.HTTPNotFound
        return await handler(request)

    def _refusal(self, request: web.Request) -> str:
        """Why a request is not from a page of ours, or from somebody who typed our address."""
        if request.host not in self._hosts():
            return "this address is not mine"
        origin = request.headers.get("Origin")
        asks_for_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if origin is None:
            return "a websocket must say where it comes from" if asks_for_socket else ""
        return "" if origin in {f"http://{host}" for host in self._hosts()} else "not from here"

    def _hosts(self) -> Iterator[str]:
        return (f"{name}:{self._port}" for name in _NAMES)

    async def _index(self, request: web.Request) -> web.Response:
        ways = f"{request.host}/{self._token}"
        return web.Response(text=_PAGE.replace("{ways}", ways), content_type="text/html")

    async def _focus(self, _request: web.Request) -> web.Response:
        return web.Response(text=_FOCUS, content_type="text/javascript")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if self._pages >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MOST_PAGES} pages are open already")
        self._pages += 1
        try:
            return await attend(request, self._command, self._downloads)
        finally:
            self._pages -= 1

    async def _protect(self, request: web.Request, response: web.StreamResponse) -> None:
        sources = f"'self' ws://{request.host}" if request.host in self._hosts() else "'none'"
        policy = {"Content-Security-Policy": f"{_POLICY}; connect-src {sources}"}
        for name, value in (_HEADERS | policy).items():
            response.headers[name] = value


def _first_part(path: str) -> bytes:
    return path.split("/", 2)[1].encode("utf-8", "surrogateescape") if "/" in path else b""


def serve(argv: Sequence[str], port: int, announce: Callable[[str], None]) -> None:
    """Serve the command until interrupted; any free port where ``port`` is 0.

    Raises OSError when the port is taken.
    """
    listening = socket.create_server((LOOPBACK, port))
    site = Site(argv, listening.getsockname()[1], secrets.token_urlsafe(32))
    announce(site.address)
    with suppress(KeyboardInterrupt):
        web.run_app(
            site.app(),
            sock=listening,
            print=None,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )


_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)

_FOCUS = """\
const look = new MutationObserver(() => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys === null) return;
  look.disconnect();
  keys.focus();
});
look.observe(document, {childList: true, subtree: true});
"""
"""Gives the terminal the keys as soon as it is there, so that nobody has to click first."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Clerk of Works</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/css/xterm.css">
<style>
  @font-face {
    font-family: "Roboto Mono";
    font-weight: 100 700;
    src: url("static/fonts/RobotoMono-VariableFont_wght.ttf");
  }
  html, body { height: 100%; margin: 0; background: #12151c; color: #c8d0e0; overflow: hidden; }
  p { display: none; font: 16px "Roboto Mono", monospace; text-align: center; margin-top: 40vh; }
  body:not(.-first-byte):not(.-closed) .opening, body.-closed .ended { display: block; }
  .textual-terminal { width: 100vw; height: 100vh; }
  body:not(.-first-byte) .textual-terminal, body.-closed .textual-terminal { opacity: 0; }
</style>
<script src="static/js/textual.js"></script>
<script src="focus.js"></script>
</head>
<body>
<p class="opening">Opening the dashboard …</p>
<p class="ended">The dashboard was left; the engine goes on. Load the page again to come back.</p>
<div id="terminal" class="textual-terminal" data-font-size="15"
  data-session-websocket-url="ws://{ways}/ws"></div>
</body>
</html>
"""

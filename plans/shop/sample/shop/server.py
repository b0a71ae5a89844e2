"""HTTP in front of the shop: bytes in, one ``respond``, bytes out."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from shop.web import Request, Shop, respond


class Handler(BaseHTTPRequestHandler):
    """One request at a time, so that the shop needs no locks."""

    shop: Shop

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = None
        if isinstance(body, dict):
            self._answer(body)
        else:
            self.send_error(400, "the body is not a JSON object")

    def _answer(self, body: dict) -> None:
        url = urlsplit(self.path)
        request = Request(self.command, url.path, dict(parse_qsl(url.query)), body)
        response = respond(self.shop, request)
        content = response.text.encode()
        self.send_response(response.status)
        self.send_header("Content-Type", f"{response.type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """A shop does not talk while it serves."""


def open_shop(port: int) -> HTTPServer:
    """A fresh shop on 127.0.0.1, ready to serve; port 0 takes a free one."""
    handler = type("ShopHandler", (Handler,), {"shop": Shop()})
    return HTTPServer(("127.0.0.1", port), handler)

"""The simulator's door: ``python3 -m sim.arm PORT``. A cell, over HTTP, until it is stopped."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from sim.cell import Cell, Refusal


class Door(BaseHTTPRequestHandler):
    """``GET /state``, ``GET /seen``, ``POST /move``, ``POST /grip``."""

    cell = Cell()

    def do_GET(self) -> None:
        answers = {"/state": self._state, "/seen": self._seen}
        if self.path in answers:
            self._answer(200, answers[self.path]())
        else:
            self._answer(404, "there is /state and /seen")

    def do_POST(self) -> None:
        try:
            told = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            if self.path == "/move":
                self.cell.move(shoulder=float(told["shoulder"]), elbow=float(told["elbow"]))
            elif self.path == "/grip":
                self.cell.grip(closed=bool(told["closed"]))
            else:
                self._answer(404, "there is /move and /grip")
                return
        except Refusal as refusal:
            self._answer(409, str(refusal))
        except (ValueError, KeyError, TypeError) as error:
            self._answer(400, f"not understood: {error}")
        else:
            self._answer(200, self._state())

    def _state(self) -> dict[str, Any]:
        x, y = self.cell.gripper
        return {**self.cell.joints, "x": x, "y": y, "closed": self.cell.closed}

    def _seen(self) -> dict[str, Any]:
        return {
            "steps": self.cell.steps,
            "incidents": self.cell.incidents,
            "blocks": [
                {"name": b.name, "x": b.x, "tray": b.tray, "held": b.held, "home": b.is_home}
                for b in self.cell.blocks
            ],
        }

    def _answer(self, status: int, what: object) -> None:
        body = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Said by nobody: what matters is in /seen."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()

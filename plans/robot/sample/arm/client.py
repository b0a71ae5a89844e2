"""The arm as a program sees it: three calls, over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class Refused(Exception):
    """The arm did not do it; the message is the arm's own."""


class Arm:
    """The arm that listens at ``port`` of this machine."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def state(self) -> dict[str, Any]:
        """``shoulder`` and ``elbow`` in degrees, the gripper's ``x`` and ``y``, and whether it is ``closed``."""
        return self._ask("/state")

    def move(self, shoulder: float, elbow: float) -> dict[str, Any]:
        """Turn both joints; raises Refused."""
        return self._ask("/move", {"shoulder": shoulder, "elbow": elbow})

    def grip(self, *, closed: bool) -> dict[str, Any]:
        """Close or open the gripper; raises Refused."""
        return self._ask("/grip", {"closed": closed})

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self._base + path, data), timeout=10) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise Refused(error.read().decode()) from None

"""A real server on a free port, for as long as one journey takes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from unittest import TestCase
from urllib.error import HTTPError
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Journey(TestCase):
    """Opens the shop before its first step and closes it after the last, whatever happens."""

    @classmethod
    def setUpClass(cls) -> None:
        server = subprocess.Popen(
            [sys.executable, "-m", "shop", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        cls.addClassCleanup(_close, server)
        cls.address = server.stdout.readline().rpartition(" ")[2].strip()
        if not cls.address:
            raise RuntimeError("the shop did not open; its own words are above")

    def get(self, path: str) -> Answer:
        return self._ask(Request(self.address + path))

    def post(self, path: str, **body: object) -> Answer:
        return self._ask(Request(self.address + path, json.dumps(body).encode()))

    def fill_cart(self, customer: str, **quantities: int) -> None:
        for sku, quantity in quantities.items():
            answer = self.post(f"/carts/{customer}", sku=sku, quantity=quantity)
            self.assertEqual(answer.status, 200, answer.text)

    def place_order(self, customer: str, **quantities: int) -> int:
        """Buy something; the number of the order."""
        self.fill_cart(customer, **quantities)
        answer = self.post("/orders", customer=customer)
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json["number"]

    def _ask(self, request: Request) -> Answer:
        try:
            with urlopen(request, timeout=10) as response:
                return Answer(response.status, response.read().decode())
        except HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.read().decode())


def _close(server: subprocess.Popen) -> None:
    server.kill()
    server.communicate()
